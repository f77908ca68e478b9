"""How one thread wakes another."""

from __future__ import annotations

import _thread
from typing import Protocol

from jobreporter._system.clock import Clock
from jobreporter._system.greenlets import patched_by


class Waker(Protocol):
    """What one thread waits for, and others wake it by."""

    def wake(self) -> None:
        """Wake the waiting thread; woken while it does not wait, the next wait returns at once."""

    def wait(self, timeout: float | None) -> bool:
        """Wait to be woken; ``False`` once ``timeout`` seconds have passed."""


class Wakeup:
    """The plain `Waker`. Waking acquires nothing, so a signal handler may interrupt it anywhere and wake again."""

    __slots__ = ("_clock", "_lock", "unset")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = _thread.allocate_lock()
        self._lock.acquire()
        #: Whether nobody has woken it since the last wait. This is the lock's own method, and quick.
        self.unset = self._lock.locked

    def renew(self) -> None:
        """In a forked child: as if it had just been made, whatever the parent's threads did with it."""
        if patched_by() is None:
            self._lock._at_fork_reinit()  # type: ignore[attr-defined]  # what threading itself uses; no stub has it
            self._lock.acquire()
            return
        # The parent's greenlets are here as well, and one may wait for the lock. Whoever holds on to `unset` of the old
        # one finds it unset for ever, and wakes once too often.
        if not self.unset():
            self._lock.acquire()
        self._lock = _thread.allocate_lock()
        self._lock.acquire()
        self.unset = self._lock.locked

    def wake(self) -> None:
        # The check spares most of a burst of callers the exception, which costs ten times as much.
        if self.unset():
            try:
                self._lock.release()
            except RuntimeError:
                pass  # somebody else woke it in between

    def wait(self, timeout: float | None) -> bool:
        return self._clock.acquire(self._lock, timeout)


class Latch:
    """Opens once, and lets everybody through from then on."""

    __slots__ = ("_wakeup",)

    def __init__(self, clock: Clock) -> None:
        self._wakeup = Wakeup(clock)

    def open(self) -> None:
        self._wakeup.wake()

    def wait(self, timeout: float) -> bool:
        """Wait for the latch to open; ``False`` if it is still closed after ``timeout`` seconds."""
        is_open = self._wakeup.wait(timeout)
        if is_open:
            self._wakeup.wake()
        return is_open
