"""The dispatcher's own ledger of all reporters, as metrics."""

from __future__ import annotations

import os
import weakref
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from jobreporter import Context, LaneStats
from jobreporter_prometheus._clock import SYSTEM, Clock
from jobreporter_prometheus._figures.families import (
    ACCEPTED,
    AGENTS,
    AGENTS_UNLIKE,
    BUILD_INFO,
    DEAD,
    DROPPED,
    EXPIRED,
    FAILED,
    FILTERED,
    HANDLED,
    LAG,
    LAST_LOSS,
    PENDING,
    PRODUCERS,
    RESTARTS,
    RETRIES_OF_HOOKS,
    SELF_LOST,
    STATUS,
    UNFLUSHED,
    UNKNOWN,
    Family,
    Key,
)
from jobreporter_prometheus._figures.figures import Figures

Stats = Callable[[], dict[str, LaneStats]]

#: Reasons and states are on the page before they occur, so that the first time is seen as a rise.
REASONS = ("capacity", "ingress", "echo", "repeated", "invalid", "closed")
STATES = ("running", "backing_off", "wedged", "broken", "closed")

_COUNTS: dict[Family, Callable[[LaneStats], int]] = {
    ACCEPTED: lambda stats: stats.accepted,
    HANDLED: lambda stats: stats.handled,
    FAILED: lambda stats: stats.failed,
    FILTERED: lambda stats: stats.filtered,
    DEAD: lambda stats: stats.dead,
    EXPIRED: lambda stats: stats.expired,
    UNKNOWN: lambda stats: stats.unknown,
    RETRIES_OF_HOOKS: lambda stats: stats.retries,
    RESTARTS: lambda stats: stats.restarts,
}


class Before(NamedTuple):
    """What earlier starts of this reporter have seen of a ledger, which goes on where the reporter is started again."""

    #: The process: a forked child's ledger begins anew.
    pid: int
    #: What was counted in a shared directory, and must not count twice.
    counted: dict[Key, int]
    #: How many events each reporter had lost.
    lost: dict[str, int]


#: By the dispatcher that it is about.
_before: weakref.WeakKeyDictionary[object, Before] = weakref.WeakKeyDictionary()


class Ledger:
    """Brings figures up to date with the ledger. goes_on: whether what an earlier start of this reporter counted is kept."""

    def __init__(self, context: Context, *, goes_on: bool, clock: Clock = SYSTEM) -> None:
        self._context = context
        self._clock = clock
        before = _seen_before(context.stats)
        self._counted = before.counted if goes_on else {}
        self._lost = before.lost

    def count(self, figures: Figures) -> None:
        """Count what has come since the last time."""
        for name, stats in self._context.stats().items():
            self._count(figures, name, stats)
        figures.gauges[BUILD_INFO.name, self._context.version, self._context.page or ""] = 1.0
        if agents := self._context.agents():  # none in a worker, which can't know
            figures.gauges[AGENTS.name,] = float(len(agents))
            figures.gauges[AGENTS_UNLIKE.name,] = float(sum(not each.same_config for each in agents))
        producers = Counter(
            (PRODUCERS.name, each.origin.service or "", each.origin.environment or "")
            for each in self._context.producers()
        )
        for key in [key for key in figures.gauges if key[0] == PRODUCERS.name]:
            figures.gauges[key] = 0.0
        figures.gauges.update({key: float(count) for key, count in producers.items()})

    def _count(self, figures: Figures, name: str, stats: LaneStats) -> None:
        for family, field in _COUNTS.items():
            self._rise(figures, (family.name, name), field(stats))
        for reason in dict.fromkeys((*REASONS, *stats.dropped)):
            self._rise(figures, (DROPPED.name, name, reason), stats.dropped.get(reason, 0))
        for reason, count in stats.lost_by_reporter.items():
            self._rise(figures, (SELF_LOST.name, name, reason), count)
        lost = stats.lost + sum(stats.lost_by_reporter.values())
        if lost > self._lost.get(name, 0):
            self._lost[name] = lost
            figures.gauges[LAST_LOSS.name, name] = self._clock.now()
        figures.gauges[PENDING.name, name] = stats.pending
        figures.gauges[UNFLUSHED.name, name] = stats.unflushed
        if stats.lag_seconds is not None:
            figures.gauges[LAG.name, name] = stats.lag_seconds
        for state in STATES:
            figures.gauges[STATUS.name, name, state] = float(stats.status == state)

    def _rise(self, figures: Figures, key: Key, count: int) -> None:
        before = self._counted.get(key, 0)
        if count >= before:
            figures.count(key, count - before)
            self._counted[key] = count


def _seen_before(stats: Stats) -> Before:
    dispatcher = getattr(stats, "__self__", stats)
    before = _before.get(dispatcher)
    if before is None or before.pid != os.getpid():
        before = _before[dispatcher] = Before(os.getpid(), {}, {})
    return before
