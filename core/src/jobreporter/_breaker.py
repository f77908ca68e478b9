"""When a reporter that crashes is started again."""

from __future__ import annotations

from collections import deque

from jobreporter._clock import Clock

CRASHES = 5
WINDOW = 30.0
FIRST_BACKOFF = 0.1
LONGEST_BACKOFF = 30.0


class Breaker:
    """Opens after five crashes in 30 seconds, or at once when a start fails; then allows one probe per backoff.

    The backoff doubles from 0.1 to 30 seconds with each probe that fails, and ends with the first that succeeds.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._crashes: deque[float] = deque(maxlen=CRASHES)
        self._failed_probes = 0
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
            self._back_off(now)

    def failed_to_start(self) -> None:
        """The reporter did not even start."""
        self._back_off(self._clock.monotonic())

    def succeeded(self) -> None:
        """The reporter did what it is for: what was before is forgiven."""
        self._crashes.clear()
        self._failed_probes = 0
        self.retry_at = None

    def _back_off(self, now: float) -> None:
        doublings = min(self._failed_probes, 16)  # enough to reach the longest, and never too much for a float
        longest = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2**doublings)
        # Jitter, so that a fleet of workers does not come back to a struggling server all at once.
        self.retry_at = now + longest * (0.5 + self._clock.random() / 2)
        self._failed_probes += 1
