"""Time and chance, passed in so that a test can step them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import NamedTuple


class Clock(NamedTuple):
    """What tells time, waits, and throws dice."""

    #: Seconds, for durations.
    monotonic: Callable[[], float] = time.monotonic
    #: Unix seconds, for dates.
    now: Callable[[], float] = time.time
    #: Waits for so many seconds.
    sleep: Callable[[float], None] = time.sleep
    #: A number from 0 up to 1.
    random: Callable[[], float] = random.random


class Deadline:
    """The moment by which something has to be done, on the monotonic clock."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._clock = clock
        self._at = clock.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds until then; less than 0 after it."""
        return self._at - self._clock.monotonic()
