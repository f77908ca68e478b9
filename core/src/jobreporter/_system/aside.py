"""Doing what may hang on threads that may be lost.

A logging handler may wait for a pipe that nobody reads, or for a lock that a hanging thread holds; a file may lie on a
server that is gone. Whoever must go on has it done here, and waits for it as long as it can afford.
"""

from __future__ import annotations

import _thread
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from jobreporter._system import threads
from jobreporter._system.clock import SYSTEM
from jobreporter._system.fork_and_exit import register
from jobreporter._system.gate import GATE
from jobreporter._system.wakeup import Latch, Wakeup

T = TypeVar("T")

#: Threads that may hang at a time. After that, errands wait for one to come back.
MOST_THREADS = 2

#: Errands that may wait. More than that, and the oldest are forgotten.
MOST_WAITING = 100


# Seconds that a caller waits at most for a thread to begin: on a busy machine that takes longer than most calls.
BEGINNING = 0.5


class Errand(NamedTuple):
    """A call, and what its caller waits for."""

    call: Callable[[], object]
    begun: Latch
    done: Latch


class Aside:
    """Runs errands, on threads that start when there is something to do, and end when it is done.

    What a call raises is lost: it is for the call to tell.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._first: Callable[[], object] | None = None
        self.forked()
        register(self)

    def forked(self) -> object:
        """In a forked child: none of the parent's threads and errands are here."""
        self._waiting: deque[Errand] = deque(maxlen=MOST_WAITING)
        # Whoever starts a thread takes a seat, and the thread gives it back: taking from a list is atomic.
        self._seats = [True] * MOST_THREADS
        self._lent: list[Wakeup] = []
        # The threads that are at an errand, and how many errands were begun and ended, now and at the last fork.
        self._at_work: list[int] = []
        self._steps = 0
        self._steps_at_fork = -1
        self._hangs = False
        return None

    def forking(self) -> None:
        """Before a fork: no errand is begun before it is over."""
        # What has got nothing done since the last fork would be waited for in vain.
        self._hangs = self._steps == self._steps_at_fork
        self._steps_at_fork = self._steps

    def at_rest(self) -> bool:
        """Whether no thread is at an errand, but for the calling one."""
        return self._hangs or all(thread == _thread.get_ident() for thread in list(self._at_work))

    def begin_with(self, first: Callable[[], object]) -> None:
        """What each of the threads does first."""
        self._first = first

    def exiting(self) -> None:
        """At exit there is nothing to hand out: the threads are lost."""

    @property
    def all_busy(self) -> bool:
        """Whether as many threads as there may be have something to do, or hang."""
        return not self._seats

    def do(self, call: Callable[[], object], timeout: float) -> bool:
        """Have it called, and wait for that for ``timeout`` seconds at most, counted from when a thread has begun.

        Returns whether it was done by then; if not, it may still be done later. Raises RuntimeError if there is no thread
        for it and none can be started.
        """
        errand = Errand(call, Latch(SYSTEM), Latch(SYSTEM))
        self._waiting.append(errand)
        try:
            attended = self._attend()
        except BaseException:
            self._forget(errand)
            raise
        if attended and timeout > 0:
            errand.begun.wait(BEGINNING)
        return errand.done.wait(timeout)

    def lend(self) -> Wakeup:
        """Promise a thread that has nothing else to do: it calls `serve` with this.

        From Python 3.12 on, no thread starts at the interpreter's exit, so one that is there is worth keeping.
        """
        wakeup = Wakeup(SYSTEM)
        self._lent.append(wakeup)
        return wakeup

    def serve(self, wakeup: Wakeup, until: Callable[[], bool]) -> None:
        """Run errands on the calling thread, which was lent, until that is so and `recall` says it."""
        while not until():
            wakeup.wait(None)
            if not until():
                self._work_off()
                self._lent.append(wakeup)
        self._withdraw(wakeup)

    def recall(self, wakeup: Wakeup) -> None:
        """Take a thread back that was lent."""
        self._withdraw(wakeup)
        wakeup.wake()

    def _withdraw(self, wakeup: Wakeup) -> None:
        try:
            self._lent.remove(wakeup)
        except ValueError:
            pass  # it has something to do, or is lost

    def _attend(self) -> bool:
        """See to it that a thread does what waits. Returns whether one is about to: all may be busy, or hang."""
        if not _taken(self._seats):
            return False  # they look here when they are free
        try:
            threads.start(self._run, self._name, self._give_back)
        except BaseException as error:
            self._give_back(error)
            lent = _taken(self._lent)
            if lent is None or not isinstance(error, RuntimeError):
                raise
            lent.wake()
        return True

    def _run(self) -> None:
        try:
            if self._first is not None:
                self._first()
            self._work_off()
        finally:
            self._give_back()
        if self._waiting:  # an errand that came just before the seat was free
            self._attend()

    def _work_off(self) -> None:
        while self._waiting:
            self._at_work.append(_thread.get_ident())
            try:
                # Only now: whoever forks has closed the gate before looking who is at work.
                if not GATE.closed:
                    self._run_next()
            finally:
                self._at_work.remove(_thread.get_ident())
            GATE.stand()

    def _run_next(self) -> None:
        try:
            errand = self._waiting.popleft()
        except IndexError:
            return
        try:
            self._steps += 1
            errand.begun.open()
            errand.call()
        except BaseException:  # noqa: S110 - see the class
            pass
        finally:
            self._steps += 1
            errand.done.open()

    def _give_back(self, _error: BaseException | None = None) -> None:
        self._seats.append(True)

    def _forget(self, errand: Errand) -> None:
        try:
            self._waiting.remove(errand)
        except ValueError:
            pass  # another thread has taken it


def _taken(things: list[T]) -> T | None:
    """The last of them, taken away, which no other thread gets; ``None`` if there is none."""
    try:
        return things.pop()
    except IndexError:
        return None


#: For lines of the log.
LOG = Aside("log")

#: For files that are read.
FILES = Aside("files")
