"""Sessions of the reporter with a clock that tests move, and a ledger that they can read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from jobreporter import Context, Event, LaneStats, Origin, Secret, TryAgain, parse_duration
from jobreporter_history import HistoryOptions
from jobreporter_history._open import open_database
from jobreporter_history._session import Session

from .executions import NOW, ORIGIN


class Running:
    """A session that has been opened."""

    def __init__(self, url: str, *, now: float = NOW, pid: int = 7, **options: Any) -> None:
        self.url = url
        self.now = now
        self.lost: Counter[str] = Counter()
        #: Why what was to be written was put off.
        self.said: list[str] = []
        self.database = open_database(url, lambda: self.now)
        context = Context(
            service="shop",
            host="web-1",
            pid=pid,
            version="0.1.0",
            stats=lambda: {"history": LaneStats(accepted=3, handled=3)},
            lost=self._lose,
        )
        given: dict[str, Any] = {
            name: parse_duration(value) if isinstance(value, str) else value for name, value in options.items()
        }
        self.session = Session(
            self.database, HistoryOptions(store=Secret(url), **given), context, clock=lambda: self.now
        )
        self.session.open()

    def take(self, events: Iterable[Event], origin: Origin = ORIGIN) -> None:
        """Hand events over, as the lane does."""
        for event in events:
            self.session.take(event, origin)

    def write(self, events: Iterable[Event] = ()) -> bool:
        """Hand events over and flush. Returns whether that went well."""
        try:
            self.take(events)
            self.session.write()
        except TryAgain as again:
            self.said.append(str(again.__cause__))
            return False
        return True

    def tick(self, seconds: float = 0.0) -> None:
        """Let time pass, and tick."""
        self.now += seconds
        self.session.tick()

    def close(self) -> None:
        """Stop it."""
        self.session.close()

    def _lose(self, reason: str, count: int = 1) -> None:
        self.lost[reason] += count
