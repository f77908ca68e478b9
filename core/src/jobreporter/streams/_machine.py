"""The machine, as all processes on it see it, in containers too: which one it is, and its own time.

Nobody sets that time: it goes on while the machine sleeps, and begins anew when it starts.
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple


class Moment(NamedTuple):
    """A time in one life of the machine."""

    #: Which life.
    boot: str
    #: Seconds since it began.
    seconds: float


def now() -> Moment:
    """The present moment, by the machine's own time."""
    return Moment(_BOOT, _seconds())


def name() -> str:
    """Which machine this is, in this life of it. What it is called won't do: in a fleet of containers many have one name."""
    return _BOOT or os.uname().nodename


def _seconds() -> float:
    # Where a system has no such clock, the wall's will do: a lease that is too long for it is void, see `sqlite`.
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.time()


def _boot() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


_BOOT = _boot()
