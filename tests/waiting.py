"""Waiting in tests for what another thread is about to do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: Seconds. Reached only where something is broken.
DEADLINE = 20.0


def until(condition: Callable[[], object], what: str = "the condition", seconds: float = DEADLINE) -> None:
    """Return once ``condition()`` is true; fail if that takes longer than so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not come true"
        time.sleep(0.001)


def arrives(event: threading.Event) -> None:
    """Wait for an event that another thread sets; fail if that takes longer than the deadline."""
    assert event.wait(DEADLINE)
