"""How quickly a lane works off what waits for it."""

from __future__ import annotations

from jobreporter._system.clock import Clock

# Seconds over which the pace is taken: many turns of the interpreter's lock, which is handed on every 5 ms.
WINDOW = 0.25

# Turns of the pump that it is taken over at least. A machine that has other things to do starves the pump like the lane,
# so a lane had its chances to run if the pump had its own.
TURNS = 50

# Seconds within which a lane that keeps pace works off a crowd.
SOON = 0.5


class Throughput:
    """Tells a lane that had no chance to run yet from one that is slow."""

    def __init__(self, crowd: int, clock: Clock) -> None:
        self._crowd = crowd
        self._clock = clock
        self._since = clock.monotonic()
        self._from = 0
        self._turns = 0
        self._keeps = True

    def catches_up(self, done: int, waiting: int) -> bool:
        """Whether a crowd waits that will soon be worked off, by the pace of the last moments. The pump asks once a turn.

        done: how much was done so far. waiting: how much there is to do.
        """
        now = self._clock.monotonic()
        if waiting <= self._crowd:
            self._since, self._from, self._turns = now, done, 0
            # A slow lane that hovers about the mark is not given the benefit of the doubt each time it passes it.
            self._keeps = self._keeps or 2 * waiting <= self._crowd
            return False
        self._turns += 1
        elapsed = now - self._since
        if elapsed >= WINDOW and self._turns > TURNS:
            self._keeps = (done - self._from) / elapsed * SOON >= waiting
            self._since, self._from, self._turns = now, done, 0
        return self._keeps
