"""Time and chance, passed in so that tests can step them."""

from __future__ import annotations

import time as system
from _thread import LockType
from os import urandom

from jobreporter._system import threads

#: Seconds that a wait takes at most, which is for ever: the system's waits overflow not far above this.
LONGEST = 1e9


def waiting_time(timeout: float) -> float:
    """The seconds that somebody asks for, as a wait can take them.

    Less than nothing, and what is not a number, is 0; more than `LONGEST`, infinity included, is that. Raises TypeError
    for what is no number at all.
    """
    if isinstance(timeout, str | bytes | bytearray):
        raise TypeError(f"a timeout is a number of seconds, not {type(timeout).__name__}")
    try:
        seconds = float(timeout)
    except OverflowError:  # an integer that no float can hold
        return LONGEST if timeout > 0 else 0.0
    return min(max(0.0, seconds), LONGEST)  # in this order, NaN becomes 0


class Clock:
    """The system's clock. Whatever in the runtime reads the time, waits for a while or draws lots does so here."""

    #: Unix seconds.
    time = staticmethod(system.time)
    #: Seconds that never go back.
    monotonic = staticmethod(system.monotonic)

    def random(self) -> float:
        """A number from 0 up to 1. Jobs that seed the `random` module, all alike, have nothing to do with it."""
        return int.from_bytes(urandom(6), "big") / 2**48

    @staticmethod
    def starting() -> tuple[object, ...]:
        """One for each thread of ours that was started and has yet to begin, for clocks that wait for all of them."""
        return tuple(threads.STARTING)

    def acquire(self, lock: LockType, timeout: float | None) -> bool:
        """Take the lock, waiting for ``timeout`` seconds at most (``None``: for as long as it takes)."""
        return lock.acquire(timeout=-1 if timeout is None else max(timeout, 0))


SYSTEM = Clock()
