"""When a reporter that crashes is started again."""

from __future__ import annotations

from collections import deque

from jobreporter._lane.backoff import Backoff
from jobreporter._system.clock import Clock

CRASHES = 5
WINDOW = 30.0


class Breaker:
    """Opens after five crashes in 30 seconds, or at once when a start fails; then allows one probe per backoff.

    The backoff doubles from 0.1 to 30 seconds with each probe that fails, and ends with the first that succeeds.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._crashes: deque[float] = deque(maxlen=CRASHES)
        self._backoff = Backoff(clock)
        #: The monotonic time before which the reporter is not started; ``None`` while the breaker is closed.
        self.retry_at: float | None = None

    @property
    def open(self) -> bool:
        return self.retry_at is not None

    def crashed(self) -> None:
        """The reporter raised while it was running."""
        now = self._clock.monotonic()
        self._crashes.append(now)
        if self.open or (len(self._crashes) == CRASHES and now - self._crashes[0] <= WINDOW):
            self.retry_at = self._backoff.failed()

    def failed_to_start(self, at_least: float = 0.0) -> None:
        """The reporter did not even start. at_least: seconds before which it should not be tried again."""
        self.retry_at = self._backoff.failed(at_least)

    def succeeded(self) -> None:
        """The reporter did what it is for: what was before is forgiven."""
        self._crashes.clear()
        self._backoff.succeeded()
        self.retry_at = None
