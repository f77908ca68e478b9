"""The config's own patterns of secrets, ``[capture] patterns``, taken out of texts within bounds of size and time.

Python can't interrupt an expression once it searches, and everything else waits meanwhile. So it gets a text in small
pieces first, then in larger ones: where a piece takes too long already, no larger one is begun.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from time import perf_counter, thread_time
from typing import Any

from jobreporter._capture.eraser import Span, renamed, without
from jobreporter._capture.secrets import REDACTED

#: The group of an expression that is the secret, where it isn't all that matches.
SECRET = "secret"  # noqa: S105 - a name, not a secret

# Characters that are looked at in one go, and of them those that the next ones begin with: no match may be longer.
_WINDOW = 2_048
_OVERLAP = 512
# Characters of the first pieces. Each further size is the double of the one before.
_LEAST = 32
# Seconds that one search may take, and how often an expression may take longer before it isn't used any more. Of the next
# size, the worst that the config's check lets through takes 32 times as long.
_PATIENCE = 0.005
_STRIKES = 3


class Patterns:
    """Expressions, and what is done with the texts that they match. tell: called with one that is given up."""

    def __init__(self, patterns: Iterable[str], tell: Callable[[str], object]) -> None:
        self._patterns = [re.compile(pattern) for pattern in patterns]
        self._strikes: dict[str, int] = {}
        self._tell = tell

    def data(self, data: Any) -> Any:
        """Plain data without what matches; what holds nothing of that is returned as it is."""
        kind = type(data)
        if kind is str:
            return self.text(data)
        if issubclass(kind, dict):
            return renamed(data, self.text, self.data)
        if issubclass(kind, list):
            return [self.data(each) for each in data]
        return tuple(map(self.data, data)) if kind is tuple else data

    def text(self, text: str) -> str:
        """A text without what matches. One that an expression takes too long for is withheld."""
        spans: list[Span] = []
        for pattern in self._patterns:
            try:
                spans += _spans(pattern, text)
            except TimeoutError:
                self._strike(pattern)
                return f"{REDACTED} (a pattern took too long)"
        return without(text, spans) if spans else text

    def _strike(self, pattern: re.Pattern[str]) -> None:
        strikes = self._strikes[pattern.pattern] = self._strikes.get(pattern.pattern, 0) + 1
        if strikes >= _STRIKES:
            self._patterns = [each for each in self._patterns if each is not pattern]
            self._tell(pattern.pattern)


def _spans(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    """Where the expression matches. Raises TimeoutError where it would take too long."""
    size = _LEAST
    while size < min(len(text), _WINDOW):
        for start in range(0, len(text), size):
            began = perf_counter()
            pattern.search(text, start, start + size)
            if perf_counter() - began > _PATIENCE and _takes_long(pattern, text, start, start + size):
                raise TimeoutError
        size *= 2
    for start in range(0, max(len(text) - _OVERLAP, 1), _WINDOW - _OVERLAP):
        for found in pattern.finditer(text, start, start + _WINDOW):
            yield found.span(SECRET if SECRET in pattern.groupindex else 0)


def _takes_long(pattern: re.Pattern[str], text: str, start: int, end: int) -> bool:
    """Whether it is the search that takes its time, and not a machine that has much else to do.

    To ask for the thread's own time takes longer than most searches, so it is asked only here.
    """
    began = thread_time()
    pattern.search(text, start, end)
    return thread_time() - began > _PATIENCE
