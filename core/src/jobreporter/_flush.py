"""A request that everything published so far leaves."""

from __future__ import annotations

from collections.abc import Iterable

from jobreporter._bell import Latch
from jobreporter._clock import Clock


class Flush:
    """Waits for every lane to have handled what came before it, and to have called ``reporter_flush``."""

    def __init__(self, lanes: Iterable[str], clock: Clock) -> None:
        self._latch = Latch(clock)
        #: Names of the lanes that haven't answered.
        self.waiting = set(lanes)
        self._failed = False
        if not self.waiting:
            self._latch.open()

    def answer(self, lane: str, *, ok: bool) -> None:
        """A lane is through: its reporter flushed, or raised while it did."""
        if not ok:
            self._failed = True
        self.waiting.discard(lane)
        if not self.waiting:
            self._latch.open()

    def cancel(self) -> None:
        """Let the waiting thread go: nobody will answer any more."""
        self._failed = True
        self._latch.open()

    def wait(self, timeout: float) -> bool:
        """Whether all lanes answered within ``timeout`` seconds, and none failed."""
        return self._latch.wait(timeout) and not self._failed
