"""When a reporter is due for a flush, for a tick, or for what it asked to try again."""

from __future__ import annotations

from typing import NamedTuple

from jobreporter._config.settings import LaneSettings
from jobreporter._lane.backoff import Backoff
from jobreporter._lane.wishes import pause_asked_for
from jobreporter._system.clock import Clock

FLUSH = "reporter_flush"


class Retry(NamedTuple):
    """A hook that asked to be tried again. at: when that will be (monotonic). not_before: when it may be by its own word."""

    hook: str
    at: float
    not_before: float


class Timetable:
    """Of one thread of a lane. Times are monotonic."""

    def __init__(self, clock: Clock, settings: LaneSettings) -> None:
        self._clock = clock
        self._settings = settings
        self._backoff = Backoff(clock)
        self._flushed_at = self._ticked_at = clock.monotonic()
        self._handled_at_flush = 0
        self._ticks = False
        #: What was put off. Nothing else is handed out before.
        self.retry: Retry | None = None

    def session_began(self, *, ticks: bool) -> None:
        """The reporter has started. ticks: whether it has a ``reporter_tick``."""
        self._ticks = ticks
        self._ticked_at = self._clock.monotonic()
        self.resumed()

    def put_off(self, hook: str, error: BaseException) -> Retry:
        """A hook asked to be tried again: in as long as it wants, and longer each time."""
        asked_for = pause_asked_for(error)
        self.retry = Retry(hook, self._backoff.failed(asked_for), self._clock.monotonic() + asked_for)
        return self.retry

    def hurry(self) -> None:
        """The lane ends: what was put off is due as soon as its hook has asked for."""
        if self.retry is not None:
            self.retry = self.retry._replace(at=self.retry.not_before)

    def resumed(self) -> None:
        """What was put off went well, or is no more."""
        self.retry = None
        self._backoff.succeeded()

    @property
    def waits(self) -> bool:
        """Whether what was put off has to wait still."""
        return self.retry is not None and self._clock.monotonic() < self.retry.at

    def flushed(self, handled: int) -> None:
        """The reporter has flushed. handled: how many events its handlers had taken."""
        self._flushed_at = self._clock.monotonic()
        self._handled_at_flush = handled

    def flush_due(self, handled: int) -> bool:
        """Whether events came since the last flush, and its interval has passed."""
        return handled != self._handled_at_flush and self._clock.monotonic() >= self._next_flush

    def ticked(self) -> None:
        """The reporter ticks now."""
        self._ticked_at = self._clock.monotonic()

    @property
    def tick_due(self) -> bool:
        return self._ticks and self._clock.monotonic() >= self._next_tick

    def due_at(self, handled: int) -> float | None:
        """When something is due whether events come or not; ``None`` if nothing is."""
        moments = [self._next_tick] if self._ticks else []
        if self.retry is not None:
            moments.append(self.retry.at)
        elif handled != self._handled_at_flush:
            moments.append(self._next_flush)
        return min(moments, default=None)

    @property
    def _next_flush(self) -> float:
        return self._flushed_at + self._settings.flush_interval

    @property
    def _next_tick(self) -> float:
        return self._ticked_at + self._settings.tick_interval
