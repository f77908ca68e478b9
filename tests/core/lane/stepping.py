"""A dispatcher whose time moves on only where a test says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jobreporter import Dispatcher, Event, LaneStats
from jobreporter.testing import SteppedClock, make_event, make_job

#: Seconds of the clock that anything may take. The longest pause of a test is a day.
LONG = 100_000


class Stepped:
    """One reporter named ``plugin``, and the clock of its dispatcher."""

    def __init__(self, plugin: object, **tables: Any) -> None:
        self.clock = SteppedClock()
        self.dispatcher = Dispatcher({"plugin": plugin}, config={"reporters": {"plugin": tables}}, clock=self.clock)

    @property
    def stats(self) -> LaneStats:
        """The reporter's ledger, which adds up whenever it is looked at."""
        stats = self.dispatcher.stats()["plugin"]
        settled = stats.handled + stats.failed + stats.filtered + sum(stats.dropped.values())
        assert stats.accepted == settled + stats.pending
        assert 0 <= stats.unflushed <= stats.pending
        return stats

    def publish(self, *numbers: int) -> None:
        """A ``Started`` for each number, which is its job's id."""
        for number in numbers:
            self.dispatcher.publish(started(number))

    def run_until(self, condition: Callable[[], object]) -> float:
        """Let time pass until the condition is true. Returns how many seconds that took of this clock."""
        return self.clock.run(condition, at_most=LONG)

    def skip(self, seconds: float) -> None:
        """Let so much time pass at once, without a tick for every five seconds of it."""
        self.clock._move_to(self.clock.monotonic() + seconds)

    def close(self, timeout: float) -> bool:
        """Close, with time moving on meanwhile."""
        return self.dispatcher.close(timeout)


def started(number: int) -> Event:
    return make_event("started", job=make_job(id=str(number)))
