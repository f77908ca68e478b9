"""Counters that any number of threads may add to without a lock."""

from __future__ import annotations

import itertools

from jobreporter._publish.ending import KINDS, Ending


class Tally:
    """A counter that any number of threads may add to without a lock.

    ``d[k] += 1`` loses most of what eight threads add; `next` on a count loses nothing.
    """

    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count = itertools.count()

    def add(self, number: int) -> None:
        for _ in range(number):
            next(self._count)

    @property
    def total(self) -> int:
        # "count(5)": the one way to look at a count that does not move it on.
        return int(repr(self._count)[len("count(") : -1])


class KindTally:
    """Counts events by kind. Any number of threads may add without a lock."""

    def __init__(self) -> None:
        self._tallies = {kind: Tally() for kind in (*(name for _, name in KINDS), "unknown")}
        # Kept here, since a finalizer may publish so late in the interpreter's exit that a module's names are gone.
        self._ending, self._kinds = Ending, KINDS

    def add(self, item: object) -> None:
        """Count an event, or the two of an `Ending`; what is neither is of no known kind."""
        for event in (item.outcome, item.stopped) if type(item) is self._ending else (item,):
            found, known = type(event), "unknown"
            for kind, name in self._kinds:
                if kind is found:
                    known = name
            self._tallies[known].add(1)

    @property
    def by_kind(self) -> dict[str, int]:
        """The kinds that occurred."""
        totals = {kind: tally.total for kind, tally in self._tallies.items()}
        return {kind: total for kind, total in totals.items() if total}
