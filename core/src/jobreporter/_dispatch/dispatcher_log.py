"""What is told of a dispatcher as a whole, through stdlib logging.

Whoever has something to tell goes on, and another thread logs: a logging handler may wait for a pipe that nobody reads, or
for a lock that a hanging reporter holds.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from jobreporter._lane.operator_log import Throttle
from jobreporter._lane.wording import describe
from jobreporter._system.clock import Clock
from jobreporter._system.log_aside import lines_aside
from jobreporter.context import LaneStats
from jobreporter.text import one_line

logger = logging.getLogger("jobreporter")

# Seconds for which a caller waits at most for a line to be logged, and at least: what is beyond its own deadline.
PATIENCE = 1.0
GRACE = 0.05


class DispatcherLog:
    """The dispatcher's messages."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._late_flushes = Throttle(clock)  # a source may flush after each job
        self._invalid = Throttle(clock)
        self._stumbles = Throttle(clock)
        self._starts = Throttle(clock)

    def invalid(self, error: BaseException) -> None:
        """Something was published that no reporter gets."""
        more = self._invalid.due()
        if more is not None:
            self._say(logging.ERROR, [f"no reporter got an event that was published: {describe(error)}{more}"])

    def stumbled(self, error: BaseException) -> None:
        """The pump was interrupted, and may be again before this is said."""
        more = self._stumbles.more()
        if more is not None:
            self._say(logging.ERROR, [f"handing out events was interrupted, and goes on: {describe(error)}{more}"])
            self._stumbles.said()

    def no_thread(self, why: str) -> None:
        """The pump can't be started."""
        more = self._starts.due()
        if more is not None:
            self._say(logging.ERROR, [f"no reporter gets any event: no thread can be started: {why}{more}"])

    def slow_pattern(self, pattern: str) -> None:
        """One of the config's expressions took too long too often."""
        shown = one_line(pattern, 200)
        self._say(logging.ERROR, [f"[capture] patterns: {shown!r} took too long, and is not used any more"])

    def not_flushed(self, problem: str, stats: Mapping[str, LaneStats], deadline: float) -> None:
        """A flush was not done. deadline: the monotonic time until which its caller waits."""
        more = self._late_flushes.due()
        if more is None:
            return
        remains = {name: each.pending for name, each in stats.items() if each.pending}
        which = ", ".join(f"{count} events for reporter {name!r}" for name, count in remains.items())
        self._say(logging.WARNING, [f"{problem}: {which or 'no events'} remain{more}"], deadline)

    def closed(self, stats: Mapping[str, LaneStats], deadline: float) -> None:
        """The dispatcher has closed: tell what was lost, if anything was."""
        lines = [line for name, each in stats.items() for line in _losses(name, each)]
        if lines:
            self._say(logging.WARNING, lines, deadline)

    def _say(self, level: int, lines: list[str], deadline: float | None = None) -> None:
        """Have the lines logged; with a deadline, wait for that, and a little longer if need be."""
        patience = 0.0 if deadline is None else min(max(deadline - self._clock.monotonic(), GRACE), PATIENCE)
        lines_aside(logger, level, lines, patience)


def _losses(name: str, stats: LaneStats) -> Iterable[str]:
    if stats.lost:
        reasons = {"failed": stats.failed, **stats.dropped}
        parts = ", ".join(f"{count} {reason}{_meaning(reason)}" for reason, count in reasons.items() if count)
        yield f"reporter {name!r} lost {stats.lost} of {stats.accepted} events: {parts}"
    if stats.lost_by_reporter:
        parts = ", ".join(f"{count} {reason}" for reason, count in stats.lost_by_reporter.items())
        yield f"reporter {name!r} lost events after it took them: {parts}"


# What `LaneStats` says of each reason, for who reads the log alone.
_MEANINGS = {
    "failed": "it crashed or hung on them",
    "capacity": "its buffer was full",
    "ingress": "more came than could be taken in",
    "echo": "a reporter had published them",
    "repeated": "their execution had ended before",
    "invalid": "they were no events, or no plain data",
    "closed": "they were not delivered before the dispatcher closed",
}


def _meaning(reason: str) -> str:
    meaning = _MEANINGS.get(reason)
    return f" ({meaning})" if meaning else ""
