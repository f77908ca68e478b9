"""A clock for the reporter that stands still until it waits, or a test moves it."""

from __future__ import annotations

from jobreporter_honeybadger._clock import Clock


class SteppedClock:
    """Waiting takes no time, but the clock moves on by it."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        #: What was waited for, in order.
        self.slept: list[float] = []
        #: The next throws of the dice are all this.
        self.dice = 1.0
        #: The Unix time at which it began: 2023-11-14T22:13:20Z.
        self.began = 1_700_000_000.0

    @property
    def clock(self) -> Clock:
        """As the reporter takes it."""
        return Clock(
            monotonic=lambda: self.elapsed,
            now=lambda: self.began + self.elapsed,
            sleep=self._sleep,
            random=lambda: self.dice,
        )

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.elapsed += seconds
