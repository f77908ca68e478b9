"""A clock that stands still until a test moves it."""

from __future__ import annotations

import threading
from _thread import LockType

from jobreporter._clock import Clock


class SteppedClock(Clock):
    """Whoever waits with a timeout waits for `advance` to pass it, or for what it waits for."""

    def __init__(self, now: float = 1_000.0) -> None:
        self._now = now
        self._changed = threading.Condition()
        self._waiting: list[tuple[float, LockType]] = []

    def time(self) -> float:  # type: ignore[override]  # a static method in the class that it stands in for
        return self._now

    def monotonic(self) -> float:  # type: ignore[override]
        return self._now

    def random(self) -> float:  # type: ignore[override]
        return 1.0

    def acquire(self, lock: LockType, timeout: float | None) -> bool:
        if lock.acquire(blocking=False):
            return True
        if timeout is None:
            return lock.acquire()
        entry = (self._now + timeout, lock)
        with self._changed:
            self._waiting.append(entry)
            self._changed.notify_all()
        lock.acquire()
        with self._changed:
            rung = entry in self._waiting
            if rung:
                self._waiting.remove(entry)
        return rung

    def advance(self, seconds: float) -> None:
        """Move on, and wake those whose time is up."""
        with self._changed:
            self._now += seconds
            due = [entry for entry in self._waiting if entry[0] <= self._now]
            for entry in due:
                self._waiting.remove(entry)
                if entry[1].locked():
                    entry[1].release()

    def wait_for_waiters(self, count: int) -> None:
        """Wait until so many threads wait for time to pass. Real time, bounded."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._waiting) >= count, timeout=10), self._waiting

    def waits_until(self, moment: float) -> bool:
        """Whether a thread waits for just that moment."""
        with self._changed:
            return any(until == moment for until, _ in self._waiting)
