"""Pauses that grow while something keeps going wrong."""

from __future__ import annotations

from jobreporter._system.clock import Clock

FIRST = 0.1
LONGEST = 30.0


class Backoff:
    """Doubles from 0.1 to 30 seconds with each failure in a row, with jitter."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0

    def failed(self, at_least: float = 0.0) -> float:
        """Another failure. Returns the monotonic time of the next try; at_least: seconds that it must be away."""
        doublings = min(self._failures, 16)  # enough to reach the longest, and never too much for a float
        longest = min(LONGEST, FIRST * 2**doublings)
        self._failures += 1
        # Jitter, so that a fleet of workers does not come back to a struggling server all at once.
        pause: float = max(longest * (0.5 + self._clock.random() / 2), at_least)
        return self._clock.monotonic() + pause

    def succeeded(self) -> None:
        """It went well: the next pause is the first one again."""
        self._failures = 0
