"""Time and chance, passed in so that tests can step them."""

from __future__ import annotations

import random as chance
import time as system
from _thread import LockType


class Clock:
    """The system's clock. Whatever in the runtime reads the time, waits for a while or draws lots does so here."""

    #: Unix seconds.
    time = staticmethod(system.time)
    #: Seconds that never go back.
    monotonic = staticmethod(system.monotonic)
    #: A number from 0 up to 1.
    random = staticmethod(chance.random)

    def acquire(self, lock: LockType, timeout: float | None) -> bool:
        """Take the lock, waiting for ``timeout`` seconds at most (``None``: for as long as it takes)."""
        return lock.acquire(timeout=-1 if timeout is None else max(timeout, 0))


SYSTEM = Clock()
