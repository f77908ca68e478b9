"""Taking known secrets out of plain data, in whatever way they are written there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from jobreporter._capture.readings import readings, ungrouped
from jobreporter._capture.secrets import REDACTED
from jobreporter._foreign.bounded_text import mark, split_mark

# Shorter ones are found as whole values only, unless they are numbers.
_SHORTEST = 4
# So long must a secret be to be one within a longer word: if it is made of digits alone, of letters alone, of anything.
_LONG_NUMBER = 8
_LONG_WORD = 12
_LONG = 6
# A number with so many digits may be written in groups of them. In a shorter one, signs are those of a date or a time.
_GROUPED = 6
_DATE_SIGNS = "-:/"
#: What a text holds in which something is written in another way.
ESCAPES = ("\\", "%", "&", "+", "''", '""', "'\"'")

Span = tuple[int, int]


class Eraser:
    """Replaces secrets in plain data: those that are a whole value, those within texts, and the beginning of one that was cut off."""

    __slots__ = ("_grouped", "_have_writings", "_secrets", "_within")

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = frozenset(secrets)
        self._within = [each for each in self._secrets if len(each) >= _SHORTEST or not each.isalpha()]
        self._grouped = [each for each in self._within if each.isdecimal() and len(each) >= _GROUPED]
        # Whether one can be written in another way, or be told from a longer word only where escapes are undone.
        self._have_writings = not all(each.isalnum() and each.isascii() and _is_strong(each) for each in self._within)

    def data(self, data: Any) -> Any:
        """Plain data without the secrets; what holds none is returned as it is."""
        if not self._secrets:
            return data
        kind = type(data)
        if kind is str:
            return data if data is REDACTED else self.text(data)
        if kind is int or kind is float:
            return REDACTED if self._is_secret(data) else data
        if kind is dict:
            return renamed(data, self.text, self.data)
        if kind is list or kind is tuple:
            return kind(map(self.data, data))
        return data

    def text(self, text: str) -> str:
        """A text without the secrets; the same object if it holds none."""
        if not self._secrets:
            return text
        if text in self._secrets:
            return REDACTED
        kept, mark = split_mark(text) if text.endswith(")") else (text, "")
        spans = list(self._spans(kept, cut=bool(mark)))
        if self._have_writings and any(map(kept.__contains__, ESCAPES)):
            for reading in readings(kept):
                found = self._spans(reading.text, cut=bool(mark))
                spans += [(reading.origin(start), reading.origin(end)) for start, end in found]
        if self._grouped and (whole := ungrouped(kept)) is not None:
            found = self._spans_of(self._grouped, whole.text)
            spans += [(whole.origin(start), whole.origin(end)) for start, end in found]
        return without(kept, spans) + mark if spans else text

    def _is_secret(self, number: float) -> bool:
        if repr(number) in self._secrets:
            return True
        return type(number) is float and number.is_integer() and repr(int(number)) in self._secrets

    def _spans(self, text: str, *, cut: bool) -> Iterator[Span]:
        yield from self._spans_of(self._within, text)
        if cut and (unfinished := self._unfinished(text)) is not None:
            yield unfinished, len(text)

    @staticmethod
    def _spans_of(secrets: Iterable[str], text: str) -> Iterator[Span]:
        for secret in secrets:
            start = text.find(secret)
            while start >= 0:
                end = start + len(secret)
                if _stands_alone(text, start, end, secret):
                    yield start, end
                start = text.find(secret, start + 1)

    def _unfinished(self, text: str) -> int | None:
        """Where at the end of a text a secret begins."""
        for secret in self._within:
            start = text.find(secret[:_SHORTEST], max(0, len(text) - len(secret)))
            while start >= 0:
                if secret.startswith(text[start:]):
                    return start
                start = text.find(secret[:_SHORTEST], start + 1)
        return None


def renamed(data: Mapping[str, Any], key_of: Callable[[str], str], value_of: Callable[[Any], Any]) -> dict[str, Any]:
    """A dict with what becomes of its keys and values. Keys that become the same are told apart: no entry is lost."""
    changed = {key_of(key): value_of(value) for key, value in data.items()}
    if len(changed) == len(data):
        return changed
    changed = {}
    for key, value in data.items():
        changed[untaken(key_of(key), changed)] = value_of(value)
    return changed


def untaken(key: str, taken: Mapping[str, Any]) -> str:
    """A key for the next entry of a dict: with the entry's number behind it, if there is one like it already."""
    while key in taken:
        key = f"{key} ({len(taken) + 1})"
    return key


def without(text: str, spans: Iterable[Span]) -> str:
    """A text with something else in the place of these parts of it. Those that overlap are one."""
    pieces: list[str] = []
    done = 0
    for start, end in merged(spans):
        pieces += (text[done:start], REDACTED)
        done = end
    pieces.append(text[done:])
    return "".join(pieces)


def beginning(text: str, limit: int) -> str:
    """The first characters of a text from which secrets were taken, ``limit`` of them, and the word for the last one whole."""
    start = text.find(REDACTED, max(0, limit - len(REDACTED) + 1), limit + len(REDACTED) - 1)
    return text[: limit if start < 0 or start >= limit else start + len(REDACTED)]


def shortened(text: str, limit: int) -> str:
    """The `beginning` of a text, and a mark if it was longer; one that it bears already stays."""
    kept, found = split_mark(text)
    return text if len(kept) <= limit else beginning(kept, limit) + (found or mark(len(kept)))


def merged(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that overlap as one."""
    together: list[Span] = []
    for start, end in sorted(spans):
        if together and start < together[-1][1]:
            together[-1] = (together[-1][0], max(end, together[-1][1]))
        elif end > start:
            together.append((start, end))
    return together


def _is_strong(secret: str) -> bool:
    """Whether a secret is nowhere by chance, not even within a longer word."""
    length = len(secret)
    return not secret.isdecimal() and (length >= _LONG_WORD or (length >= _LONG and not secret.isalpha()))


def _stands_alone(text: str, start: int, end: int, secret: str) -> bool:
    """Whether what was found is the secret itself, and no part of a longer word or number that is none."""
    length = len(secret)
    if secret.isdecimal():
        if length >= _LONG_NUMBER:
            return not (text[start - 1 : start].isdecimal() or text[end : end + 1].isdecimal())
        signs = ".," if length >= _SHORTEST + 1 else ".," + _DATE_SIGNS
        return not (_goes_on(text, start - 1, -1, signs) or _goes_on(text, end, 1, signs))
    if _is_strong(secret):
        return True
    return not (
        (secret[0].isalnum() and _is_word(text[max(0, start - 1) : start]) and not _is_option(text, start))
        or (secret[-1].isalnum() and _is_word(text[end : end + 1]))
    )


def _goes_on(text: str, at: int, step: int, signs: str) -> bool:
    """Whether a number, or the word that it is part of, goes on there: 1000 isn't 1000.50, nor 2024 2024-11-30."""
    if at < 0 or at >= len(text):
        return False
    if text[at] in signs and 0 <= at + step < len(text):
        return text[at + step].isdecimal()
    return _is_word(text[at]) and not (step < 0 and _is_option(text, at + 1))


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _is_option(text: str, start: int) -> bool:
    """Whether a value follows a short option without a space, as in ``-phunter2``."""
    return start >= 2 and text[start - 2] == "-" and (start == 2 or not _is_word(text[start - 3]))
