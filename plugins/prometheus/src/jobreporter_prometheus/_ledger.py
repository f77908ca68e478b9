"""The dispatcher's own ledger of all reporters, as metrics."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable

from jobreporter import LaneStats
from jobreporter_prometheus._families import (
    ACCEPTED,
    DROPPED,
    FAILED,
    FILTERED,
    HANDLED,
    PENDING,
    RESTARTS,
    STATUS,
    Family,
    Key,
)
from jobreporter_prometheus._figures import Figures

Stats = Callable[[], dict[str, LaneStats]]

#: Reasons and states are on the page before they occur, so that the first time is seen as a rise.
REASONS = ("capacity", "ingress", "echo", "repeated", "invalid", "closed")
STATES = ("running", "backing_off", "wedged", "broken", "closed")

_COUNTS: dict[Family, Callable[[LaneStats], int]] = {
    ACCEPTED: lambda stats: stats.accepted,
    HANDLED: lambda stats: stats.handled,
    FAILED: lambda stats: stats.failed,
    FILTERED: lambda stats: stats.filtered,
    RESTARTS: lambda stats: stats.restarts,
}

# What was counted in a shared directory, by the dispatcher that it is about: its ledger goes on where this reporter is
# started again, and what was counted before must not count twice. Beside it the process, since a forked child's ledger
# begins anew.
_counted: weakref.WeakKeyDictionary[object, tuple[int, dict[Key, int]]] = weakref.WeakKeyDictionary()


class Ledger:
    """Brings figures up to date with the ledger. goes_on: whether what an earlier start of this reporter counted is kept."""

    def __init__(self, stats: Stats, *, goes_on: bool) -> None:
        self._stats = stats
        self._counted = _counted_before(stats) if goes_on else {}

    def count(self, figures: Figures) -> None:
        """Count what has come since the last time."""
        for name, stats in self._stats().items():
            for family, field in _COUNTS.items():
                self._rise(figures, (family.name, name), field(stats))
            for reason in dict.fromkeys((*REASONS, *stats.dropped)):
                self._rise(figures, (DROPPED.name, name, reason), stats.dropped.get(reason, 0))
            figures.gauges[PENDING.name, name] = stats.pending
            for state in STATES:
                figures.gauges[STATUS.name, name, state] = float(stats.status == state)

    def _rise(self, figures: Figures, key: Key, count: int) -> None:
        before = self._counted.get(key, 0)
        if count >= before:
            figures.count(key, count - before)
            self._counted[key] = count


def _counted_before(stats: Stats) -> dict[Key, int]:
    dispatcher = getattr(stats, "__self__", stats)
    pid, counted = _counted.get(dispatcher, (0, {}))
    if pid != os.getpid():
        counted = {}
        _counted[dispatcher] = (os.getpid(), counted)
    return counted
