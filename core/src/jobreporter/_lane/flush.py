"""A request that everything published so far leaves, and the requests that wait at one lane."""

from __future__ import annotations

import _thread
from collections import deque
from collections.abc import Iterable

from jobreporter._system.clock import Clock
from jobreporter._system.wakeup import Latch


class Flush:
    """Waits for every lane to have handled what came before it, and to have called ``reporter_flush``."""

    def __init__(self, lanes: Iterable[str], clock: Clock, timeout: float) -> None:
        self._latch = Latch(clock)
        #: The monotonic time until which somebody waits.
        self.deadline = clock.monotonic() + timeout
        #: Names of the lanes that haven't answered.
        self.waiting = set(lanes)
        #: Whether one has answered that it did not manage to.
        self.failed = False
        if not self.waiting:
            self._latch.open()

    def answer(self, lane: str, *, ok: bool) -> None:
        """A lane is through: its reporter flushed, or did not manage to."""
        if not ok:
            self.failed = True
        self.waiting.discard(lane)
        if not self.waiting:
            self._latch.open()

    def cancel(self) -> None:
        """Let the waiting thread go: nobody will answer any more."""
        self.failed = True
        self._latch.open()

    def wait(self, timeout: float) -> bool:
        """Whether all lanes answered within ``timeout`` seconds, or nobody will any more."""
        return self._latch.wait(timeout)


class Requests:
    """The flushes that one lane has yet to answer.

    The pump adds them and the lane's thread answers; where that can't, whoever notices does. A lock that is held for
    moments only lies between them.
    """

    def __init__(self, lane: str) -> None:
        self._lane = lane
        #: Between the pump and the lane's thread; held for moments only.
        self.lock = _thread.allocate_lock()
        self._waiting: deque[tuple[int, Flush]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, position: int, flush: Flush) -> None:
        """Note a flush that is due once everything before the position is settled."""
        with self.lock:
            self._waiting.append((position, flush))

    def due(self, settled: int) -> bool:
        """Whether one is due, when everything before ``settled`` is settled."""
        with self.lock:
            return bool(self._waiting) and self._waiting[0][0] <= settled

    def decline(self, until: float) -> None:
        """Answer those that nobody waits for any more at that monotonic time: the reporter does nothing before."""
        with self.lock:
            for request in list(self._waiting):
                if request[1].deadline < until:
                    request[1].answer(self._lane, ok=False)
                    self._waiting.remove(request)

    def answer(self, settled: int | None = None, *, ok: bool) -> None:
        """Answer those that are due; ``None``: every one."""
        with self.lock:
            while self._waiting and (settled is None or self._waiting[0][0] <= settled):
                self._waiting[0][1].answer(self._lane, ok=ok)
                self._waiting.popleft()
