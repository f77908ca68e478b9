"""What an agent does every so often."""

from __future__ import annotations

from jobreporter._system.clock import Clock


class Turns:
    """When each thing was done last, by its name."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next: dict[str, float] = {}

    def is_due(self, what: str, every: float) -> bool:
        """Whether it is time, as it is the first time; then it counts as done, and is due again after so many seconds."""
        now = self._clock.monotonic()
        if now < self._next.get(what, now):
            return False
        self._next[what] = now + every
        return True

    def put_off(self, what: str, seconds: float) -> None:
        """Have it due after so many seconds, whenever that would have been."""
        self._next[what] = self._clock.monotonic() + seconds
