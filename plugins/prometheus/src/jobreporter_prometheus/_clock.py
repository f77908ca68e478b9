"""Time, passed in so that a test can step it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple


class Clock(NamedTuple):
    """What tells time, and waits."""

    #: Seconds, for durations.
    monotonic: Callable[[], float] = time.monotonic
    #: Unix seconds, for dates.
    now: Callable[[], float] = time.time
    #: Waits for so many seconds.
    sleep: Callable[[float], None] = time.sleep


#: The machine's own.
SYSTEM = Clock()
