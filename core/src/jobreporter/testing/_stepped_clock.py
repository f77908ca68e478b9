"""A clock that a test moves, and that nobody is too slow for."""

from __future__ import annotations

import threading
import time
from _thread import LockType
from collections.abc import Callable

from jobreporter import Clock

# Seconds between two looks at whether somebody was woken.
_LOOK = 0.0005
# Seconds of real time. Reached only where something is broken.
_PATIENCE = 60.0
#: The threads that a dispatcher starts have names that begin with this.
_OURS = "jobreporter-"


class SteppedClock(Clock):
    """Stands still until `advance` moves it, and goes on by itself while the test waits for ``flush`` or ``close``::

        def test_it_beats_every_five_seconds(dispatcher, clock):
            dispatcher({"heart": heart}).start()
            clock.advance(20)
            assert heart.beats == 4

    Time passes only when every thread of the dispatcher waits for it to, so an hour of backoff passes in no time, no
    machine is too slow, and figures in its seconds are exact. A reporter whose hooks are ``async def`` lives by its event
    loop, which keeps the system's time: it can't be stepped.

    now: what it shows at first, as Unix seconds and as seconds that never go back.
    """

    def __init__(self, now: float = 1_000.0) -> None:
        self._now = now
        self._changed = threading.Condition()
        self._waiting: list[tuple[float, LockType]] = []
        self._inside: dict[int, LockType] = {}
        # What was there before is no concern of its own: not even a thread that was lost on its way.
        self._strangers: set[object] = {*threading.enumerate(), *self.starting()}
        #: Threads, by their ident, that hang in a hook and will not come to rest.
        self.hanging: set[int] = set()

    def time(self) -> float:
        """Unix seconds."""
        return self._now

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self._now

    def random(self) -> float:
        """Always 1: pauses are as long as they can be."""
        return 1.0

    def acquire(self, lock: LockType, timeout: float | None) -> bool:
        """Take the lock, waiting for so many seconds of this clock at most."""
        if threading.current_thread().name.startswith(_OURS):
            return self._wait(lock, timeout)
        return self._wait_meanwhile(lock, timeout)

    def _wait(self, lock: LockType, timeout: float | None) -> bool:
        # A thread that blocked in the lock would have it before it can say that it waits no longer. This one takes it and
        # says so in one, and looks again and again: whoever rings knows of nothing but the lock.
        entry = None if timeout is None else (self._now + timeout, lock)
        with self._changed:
            self._inside[threading.get_ident()] = lock
            if entry is not None:
                self._waiting.append(entry)
            while not lock.acquire(blocking=False):
                self._changed.wait(_LOOK)
            del self._inside[threading.get_ident()]
            if entry is None:
                return True
            rung = entry in self._waiting
            if rung:
                self._waiting.remove(entry)
            return rung

    def _wait_meanwhile(self, lock: LockType, timeout: float | None) -> bool:
        """The test's own thread waits: nobody is left to move the clock, so it goes on to whatever is due next."""
        end = None if timeout is None else self._now + timeout
        while not lock.acquire(blocking=False):
            if not self.at_rest():
                time.sleep(_LOOK)
                continue
            if lock.acquire(blocking=False):
                break
            if end is not None and self._now >= end:
                return False
            self._move_to(self._next(end, otherwise=_LOOK))
        return True

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass, and wait until all that falls due meanwhile is done.

        Raises AssertionError if a thread does not come to rest within a minute.
        """
        end = self._now + seconds
        self.run(lambda: self._now >= end, at_most=seconds, end=end)

    def run(self, condition: Callable[[], object], at_most: float, *, end: float | None = None) -> float:
        """Let time pass until the condition holds. Returns how many seconds that took.

        Raises AssertionError if it takes longer than ``at_most`` seconds. end: a moment at which to stop and look as well.
        """
        begun = self._now
        while True:
            self._rest()
            if condition():
                return self._now - begun
            if self._now - begun > at_most:
                raise AssertionError(f"not within {at_most:g} s")
            self._move_to(self._next(end, otherwise=1))

    def at_rest(self) -> bool:
        """Whether all of the dispatcher's threads wait for time to pass, or for something to do."""
        if not self._strangers.issuperset(self.starting()):
            return False
        threads = [thread for thread in threading.enumerate() if thread not in self._strangers]
        with self._changed:
            return all(self._rests(thread.ident or 0) for thread in threads if thread.name.startswith(_OURS))

    def _rests(self, thread: int) -> bool:
        lock = self._inside.get(thread)
        return thread in self.hanging or (lock is not None and lock.locked())

    def _rest(self) -> None:
        patience = time.monotonic() + _PATIENCE
        while not self.at_rest():
            if time.monotonic() > patience:
                raise AssertionError(
                    "a reporter does not come to rest: it hangs, or is async and lives by its own clock"
                )
            time.sleep(_LOOK)

    def _next(self, end: float | None, otherwise: float) -> float:
        """The next moment at which something is due, or the end; in so many seconds, where there is neither."""
        with self._changed:
            due = [moment for moment, _ in self._waiting]
        return min(due if end is None else [*due, end], default=self._now + otherwise)

    def _move_to(self, moment: float) -> None:
        """Move on, and wake those whose time is up."""
        with self._changed:
            self._now = max(self._now, moment)
            for entry in [entry for entry in self._waiting if entry[0] <= self._now]:
                self._waiting.remove(entry)
                if entry[1].locked():
                    entry[1].release()
            self._changed.notify_all()
