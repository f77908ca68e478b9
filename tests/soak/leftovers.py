"""Threads and files that a round has left behind."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Collection
from traceback import walk_stack

#: Seconds that threads get to come back, once those that hang are released.
DEADLINE = 20.0


def open_files() -> set[str]:
    """Every file descriptor, with what it is open on."""
    found = set()
    for descriptor in os.listdir("/dev/fd"):
        with contextlib.suppress(OSError):  # the one that the list was read through
            found.add(f"{descriptor}: {os.readlink(f'/dev/fd/{descriptor}')}")
    return found


def wait_for_threads(before: Collection[threading.Thread]) -> list[str]:
    """Wait for the threads that weren't there before to end; those that don't. They may start further ones meanwhile."""
    end = time.monotonic() + DEADLINE
    while (left := set(threading.enumerate()).difference(before)) and time.monotonic() < end:
        time.sleep(0.002)
    return [f"the thread {thread.name} is left: {_stack(thread)}" for thread in left]


def _stack(thread: threading.Thread) -> str:
    frame = sys._current_frames().get(thread.ident or 0)
    return " < ".join(
        f"{each.f_code.co_qualname} ({each.f_code.co_filename}:{line})" for each, line in walk_stack(frame)
    )
