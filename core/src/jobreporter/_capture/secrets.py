"""The values that were redacted, so that they are redacted wherever else they appear."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from jobreporter._capture.containers import container, head
from jobreporter._capture.text import split_mark, valid

REDACTED = "[redacted]"

# Shorter values are in any text by chance, and these words are no secret under any name.
_SHORTEST = 4
_NO_SECRETS = frozenset(["none", "null", "true", "false", REDACTED])
#: No redacted text that is kept is longer, so of a longer secret no more than this can be seen.
LONGEST = 10_000
# How many are remembered of a job, how many items are looked at in a redacted container, and how deep it may be.
_MOST = 50
_DEPTH = 6
# Longer integers aren't turned into decimal digits, which takes quadratic time.
_BITS = 1_024


class Secrets:
    """Collects what was redacted of one job, as text; ``known`` is what was before."""

    __slots__ = ("_texts",)

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._texts = dict.fromkeys(known)

    def add(self, value: object) -> None:
        """Remembers the strings and numbers in a value, nested ones too. An object is not asked what it holds."""
        for text in (value,) if type(value) is str and len(value) <= LONGEST and value.isascii() else _texts(value):
            if len(self._texts) >= _MOST:
                return
            if len(text) >= _SHORTEST and text.lower() not in _NO_SECRETS:
                self._texts[text] = None

    def take(self, value: object) -> str:
        """Remembers a value, and returns what stands in its place."""
        self.add(value)
        return REDACTED

    def found(self) -> tuple[str, ...]:
        """The secrets, each once."""
        return tuple(self._texts)


def _texts(value: object) -> Iterator[str]:
    level: list[Any] = [value]
    for _ in range(_DEPTH):
        deeper: list[Any] = []
        for each in level:
            kind: Any = type(each)
            if issubclass(kind, str):
                yield valid(str.__getitem__(each, slice(LONGEST)))
            elif issubclass(kind, int):
                if int.bit_length(each) <= _BITS:
                    yield int.__repr__(each)
            elif issubclass(kind, (bytes, bytearray)):
                whole = bytes if issubclass(kind, bytes) else bytearray
                yield whole.__getitem__(each, slice(LONGEST)).decode(errors="backslashreplace")
            elif (builtin := container(kind)) is not None:
                items = head(each, builtin, _MOST)
                deeper += [item for pair in items for item in pair[1:]] if builtin is dict else items
        level = deeper[:_MOST]


class Eraser:
    """Replaces secrets in plain data: also as ``repr`` writes them, and the beginning of one that was cut off."""

    __slots__ = ("_secrets",)

    def __init__(self, secrets: Iterable[str]) -> None:
        written = {text for secret in secrets for text in _written(secret)}
        self._secrets = sorted(written, key=len, reverse=True)  # a long one may contain a short one

    def data(self, data: Any) -> Any:
        """Plain data without the secrets; what holds none is returned as it is."""
        if not self._secrets:
            return data
        kind = type(data)
        if kind is str:
            return self.text(data)
        if kind is dict:
            return {self.text(key): self.data(value) for key, value in data.items()}
        if kind is list or kind is tuple:
            return kind(map(self.data, data))
        return data

    def text(self, text: str) -> str:
        """A text without the secrets."""
        if not self._secrets:
            return text
        kept, mark = split_mark(text)
        pieces = [kept]
        for secret in self._secrets:
            if secret in kept:  # split once and for all: what replaces one secret can't be taken for another
                pieces = [part for piece in pieces for part in piece.split(secret)]
        if mark:
            last = pieces.pop()
            start = self._unfinished(last)
            pieces += [last] if start is None else [last[:start], ""]
        return REDACTED.join(pieces) + mark

    def _unfinished(self, text: str) -> int | None:
        """Where at the end of a text a secret begins."""
        for secret in self._secrets:
            start = text.find(secret[:_SHORTEST], max(0, len(text) - len(secret)))
            while start >= 0:
                if secret.startswith(text[start:]):
                    return start
                start = text.find(secret[:_SHORTEST], start + 1)
        return None


def _written(secret: str) -> tuple[str, ...]:
    return (secret,) if secret.isalnum() and secret.isascii() else (secret, repr(secret)[1:-1], ascii(secret)[1:-1])
