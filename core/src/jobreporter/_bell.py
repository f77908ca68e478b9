"""How one thread wakes another."""

from __future__ import annotations

import _thread
from typing import Protocol

from jobreporter._clock import Clock
from jobreporter._greenlets import patched_by


class Waker(Protocol):
    """What one thread waits for and others ring."""

    def ring(self) -> None:
        """Wake the waiting thread; rung while nobody waits, the next wait returns at once."""

    def wait(self, timeout: float | None) -> bool:
        """Wait to be rung for; ``False`` once ``timeout`` seconds have passed."""


class Bell:
    """The plain `Waker`. Ringing acquires nothing, so a signal handler may interrupt it anywhere and ring again."""

    __slots__ = ("_clock", "_lock", "silent")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = _thread.allocate_lock()
        self._lock.acquire()
        #: Whether it has not been rung since the last wait. This is the lock's own method, and quick.
        self.silent = self._lock.locked

    def renew(self) -> None:
        """In a forked child: as if it had just been made, whatever the parent's threads did with it."""
        if patched_by() is None:
            self._lock._at_fork_reinit()  # type: ignore[attr-defined]  # what threading itself uses; no stub has it
            self._lock.acquire()
            return
        # The parent's greenlets are here as well, and one may wait for the lock. Whoever holds on to `silent` of the old
        # one finds it silent for ever, and rings once too often.
        if not self.silent():
            self._lock.acquire()
        self._lock = _thread.allocate_lock()
        self._lock.acquire()
        self.silent = self._lock.locked

    def ring(self) -> None:
        # The check spares most of a burst of ringers the exception, which costs ten times as much.
        if self.silent():
            try:
                self._lock.release()
            except RuntimeError:
                pass  # somebody else rang in between

    def wait(self, timeout: float | None) -> bool:
        return self._clock.acquire(self._lock, timeout)


class Latch:
    """Opens once, and lets everybody through from then on."""

    __slots__ = ("_bell",)

    def __init__(self, clock: Clock) -> None:
        self._bell = Bell(clock)

    def open(self) -> None:
        self._bell.ring()

    def wait(self, timeout: float) -> bool:
        """Wait for the latch to open; ``False`` if it is still closed after ``timeout`` seconds."""
        is_open = self._bell.wait(timeout)
        if is_open:
            self._bell.ring()
        return is_open
