"""A clock that moves on by itself, but only when every thread of the runtime waits for it to."""

from __future__ import annotations

import threading
from _thread import LockType
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jobreporter import Dispatcher
from jobreporter._setup import from_objects
from tests.core.stepped_clock import SteppedClock
from tests.core.waiting import until

# Seconds between two looks at whether a bell was rung.
LOOK = 0.0005


class SimulatedClock(SteppedClock):
    """An hour of backoff passes in no time, and no machine is too slow for it: figures in its seconds are exact."""

    def __init__(self) -> None:
        super().__init__()
        self._inside: dict[int, LockType] = {}
        self._strangers = set(threading.enumerate())
        #: Threads that hang in a hook, and will not come to rest.
        self.hanging: set[int] = set()

    def acquire(self, lock: LockType, timeout: float | None) -> bool:
        # A thread that blocked in the lock would have it before it can say that it waits no longer. This one takes it and
        # says so in one, and looks again and again: whoever rings knows of nothing but the lock.
        entry = None if timeout is None else (self._now + timeout, lock)
        with self._changed:
            self._inside[threading.get_ident()] = lock
            if entry is not None:
                self._waiting.append(entry)
            while not lock.acquire(blocking=False):
                self._changed.wait(LOOK)
            del self._inside[threading.get_ident()]
            if entry is None:
                return True
            rung = entry in self._waiting
            if rung:
                self._waiting.remove(entry)
            return rung

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        with self._changed:
            self._changed.notify_all()

    def at_rest(self) -> bool:
        """Whether all of the dispatcher's threads wait for time to pass, or for something to do."""
        threads = [thread for thread in threading.enumerate() if thread not in self._strangers]
        with self._changed:
            return all(self._rests(thread.ident or 0) for thread in threads if thread.name.startswith("jobreporter-"))

    def _rests(self, thread: int) -> bool:
        lock = self._inside.get(thread)
        return thread in self.hanging or (lock is not None and lock.locked())

    def run(self, condition: Callable[[], object], at_most: float) -> float:
        """Let time pass until the condition holds, and fail if that takes longer. Returns how long it took."""
        begun = self._now
        while True:
            until(self.at_rest, "the threads' rest")
            if condition():
                return self._now - begun
            assert self._now - begun <= at_most, f"not within {at_most:g} s"
            with self._changed:
                due = min((entry[0] for entry in self._waiting), default=self._now + 1)
            self.advance(max(due - self._now, 0))

    def pass_time(self, seconds: float) -> None:
        """Let so much time pass."""
        end = self._now + seconds
        self.run(lambda: self._now >= end, seconds + 2)


@contextmanager
def simulated(clock: SimulatedClock, reporters: dict[str, object]) -> Iterator[Dispatcher]:
    """A dispatcher that lives by the clock, and is closed at the end of the block."""
    dispatcher = Dispatcher._with(from_objects(reporters, {}), clock)
    try:
        yield dispatcher
    finally:
        # By its name it is one of those for which time stands still until they rest.
        closing = threading.Thread(target=dispatcher.close, args=(20,), name="jobreporter-closing")
        closing.start()
        clock.run(lambda: not closing.is_alive(), at_most=30)
