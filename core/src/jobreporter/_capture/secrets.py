"""The values that were redacted of one job, so that they are redacted wherever else they appear."""

from __future__ import annotations

from collections.abc import Iterable

from jobreporter._capture.common_words import COMMON_WORDS
from jobreporter._capture.held import LONGEST, texts
from jobreporter._capture.readings import readings

REDACTED = "[redacted]"

# A value of fewer characters is anywhere by chance.
_SHORTEST = 3
# No common word is longer.
_LONGEST_WORD = max(map(len, COMMON_WORDS))
# How many are remembered, and how many characters of them: of values with secret names, and of what texts say to be
# secret. One is no room for the other, or a text with many could push out the one that counts.
_MOST = 1_000
_ROOM = 1 << 20
# What an editor or a library in C leaves around a text.
_AROUND = "\ufeff\0"
# Without one of these nothing is escaped; a plus alone is mostly one of base64.
_ESCAPES = ("%", "\\", "&")
# Of a key or certificate in many lines, each line of such a length is a secret by itself.
_SHORTEST_LINE = 16


class Secrets:
    """Collects what was redacted of one job, as text; ``known`` is what was before."""

    __slots__ = ("_found", "_named")

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._named = _Texts(known)
        self._found: _Texts | None = None

    def add(self, value: object) -> None:
        """Remembers the texts and numbers in a value that has a secret name, nested ones too."""
        if type(value) is str and len(value) <= LONGEST and value.isascii():
            self._named.add(value)
        else:
            for text in texts(value):
                self._named.add(text)

    def note(self, text: str) -> None:
        """Remembers what a text says to be secret."""
        if self._found is None:
            self._found = _Texts()
        self._found.add(text)

    def take(self, value: object) -> str:
        """Remembers a value, and returns what stands in its place."""
        self.add(value)
        return REDACTED

    def found(self) -> tuple[str, ...]:
        """The secrets, each once."""
        return tuple(self._named.kept if self._found is None else self._named.kept | self._found.kept)


class _Texts:
    """Texts, each once, within bounds."""

    __slots__ = ("_room", "kept")

    def __init__(self, known: Iterable[str] = ()) -> None:
        self.kept = dict.fromkeys(known)
        self._room = _ROOM

    def add(self, text: str) -> None:
        # Whoever reads a secret from a file may have its last newline too, and whoever uses it has not.
        text = text.strip().strip(_AROUND)
        if not self._keep(text):
            return
        if any(map(text.__contains__, _ESCAPES)):  # who is given it escaped, shows it as it is
            for reading in readings(text):
                self._keep(reading.text)
        if "\n" in text:
            for line in text.splitlines():
                if len(line) >= _SHORTEST_LINE and not line.startswith("-----"):
                    self.add(line)

    def _keep(self, text: str) -> bool:
        length = len(text)
        if length < _SHORTEST or (length <= _LONGEST_WORD and text.lower() in COMMON_WORDS) or text == REDACTED:
            return False
        if len(self.kept) >= _MOST or length > self._room:
            return False
        self.kept[text] = None
        self._room -= length
        return True
