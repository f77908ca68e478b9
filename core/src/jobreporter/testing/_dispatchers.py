"""Dispatchers of a test, which fail it when something was lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobreporter import Clock, Dispatcher, LaneStats
from jobreporter.testing._waiting import PATIENCE


class Dispatchers:
    """Makes the dispatchers of a test, and sees to it that none of their reporters lost anything::

        def test_it_pages(dispatcher, stand_in):
            pager = dispatcher({"pager": Pager}, {"reporters": {"pager": {"url": stand_in.url}}})
            pager.publish(make_event("failure"))
            assert pager.flush(10)

    clock: what they live by, the system's by default.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock
        self._made: list[tuple[Dispatcher, bool]] = []

    def __call__(
        self, reporters: Mapping[str, object], config: Mapping[str, Any] | None = None, *, may_lose: bool = False
    ) -> Dispatcher:
        """A dispatcher, which is closed after the test if it wasn't before.

        reporters, config: as for `Dispatcher`. may_lose: whether events may be lost, and hooks may crash.
        """
        dispatcher = Dispatcher(reporters, config=config, clock=self._clock)
        self._made.append((dispatcher, may_lose))
        return dispatcher

    def close(self) -> None:
        """Close them all, whatever they lost."""
        made, self._made = self._made, []
        for dispatcher, _ in made:
            dispatcher.close(PATIENCE)

    def check(self) -> None:
        """Close them all. Raises AssertionError if a reporter lost what it should have handled, or has crashed.

        The sentence says what it lost, and why.
        """
        losses = []
        made, self._made = self._made, []
        for dispatcher, may_lose in made:
            closed = dispatcher.close(PATIENCE)
            stats = dispatcher.stats()
            if not may_lose:
                losses += [loss for name, ledger in stats.items() if (loss := lost(name, ledger, closed=closed))]
        assert not losses, "\n".join(losses)  # noqa: S101 - assert is how pytest asks


def lost(name: str, ledger: LaneStats, *, closed: bool = True) -> str | None:
    """A sentence about what a reporter has lost; ``None`` if that is nothing. closed: whether it was closed in time."""
    counts = {
        "failed": ledger.failed,
        **{f"dropped ({reason})": count for reason, count in ledger.dropped.items()},
        "dead": ledger.dead,
        "expired": ledger.expired,
        **{f"lost by itself ({reason})": count for reason, count in ledger.lost_by_reporter.items()},
        "still pending": ledger.pending,
        "crashes and hangs": ledger.restarts + ledger.abandoned,
        "flushes that raised": ledger.failed_flushes,
    }
    found = [f"{count} {what}" for what, count in counts.items() if count]
    if not found and closed and ledger.status != "broken":
        return None
    said = f": {ledger.reason}" if ledger.reason else ""
    return f"reporter {name!r}, of {ledger.accepted} events: {', '.join(found) or ledger.status}{said}"
