"""Whether an agent that gives signs of life gets anything done.

A fault of its own, or of the engine in its version, may end every turn, while the others go on to count on it.
"""

from __future__ import annotations

from jobreporter._agent.presence import BROKEN_FOR
from jobreporter._system.clock import Clock

# Seconds for which its share is the others' then. With nothing to do, its turns would go well at once.
_LEFT_TO_OTHERS = 600.0


class Standing:
    """For one thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failing_since: float | None = None
        self._left_until: float | None = None

    def failed(self) -> None:
        """A turn ended early."""
        if self._failing_since is None:
            self._failing_since = self._clock.monotonic()

    def went_well(self) -> None:
        """A whole turn did."""
        self._failing_since = None

    def is_silent(self) -> None:
        """It could not give a sign of life: nobody counts on it, and it may be nobody's fault."""
        self._failing_since = None

    @property
    def is_broken(self) -> bool:
        """Whether its share is to be the others', where one of them is in order."""
        now = self._clock.monotonic()
        if self._failing_since is not None and now - self._failing_since >= BROKEN_FOR:
            self._left_until = now + _LEFT_TO_OTHERS
        return self._left_until is not None and now < self._left_until
