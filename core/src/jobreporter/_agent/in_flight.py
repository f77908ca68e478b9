"""What one thread of an agent's lane was handed, and what became of it."""

from __future__ import annotations

from _thread import LockType
from itertools import chain

from jobreporter._agent.window import Handed
from jobreporter._agent.window_buffer import WindowBuffer
from jobreporter._config.settings import LaneSettings
from jobreporter._lane.in_flight import Counts, InFlight, Remains
from jobreporter.context import Origin


class WindowInFlight(InFlight):
    """Nothing counts here before a flush went well: then it is the buffer's to settle."""

    __slots__ = ("_died", "_half", "_half_of_bytes", "_handed", "_handled_at_flush", "_size", "_windows", "origin")

    def __init__(self, windows: WindowBuffer, turn: LockType, settings: LaneSettings) -> None:
        super().__init__(windows, turn)
        self._windows = windows
        self._half = max(1, settings.capacity // 2)
        self._half_of_bytes = settings.capacity_bytes // 2
        #: Where the events at hand come from.
        self.origin: Origin | None = None
        # What was handed out since the last flush that went well, in order; how many of these events went well, and died.
        self._handed: list[Handed] = []
        # Bytes that all of it takes, roughly.
        self._size = 0
        self._handled_at_flush = 0
        self._died = 0

    @property
    def passed(self) -> int:
        """Events since the last flush that it is decided about."""
        return self.handled - self._handled_at_flush + self._died

    @property
    def total(self) -> int:
        """Events that were handed out since the last flush."""
        return sum(stop - start for _window, _chunk, start, stop in self._handed)

    @property
    def counts(self) -> Counts:
        return Counts(unflushed=self.passed)

    @property
    def flush_due(self) -> bool:
        """Whether half of the window waits for a flush, or the next piece does."""
        passed = self.passed
        # An event that died is settled at once: it leaves nothing to flush, so no interval would begin with it.
        soon = self._died > 0 or self._windows.careful or self._size >= self._half_of_bytes
        return passed >= self._half or (passed > 0 and soon and passed >= self.total)

    @property
    def oldest(self) -> int:
        return 0

    def take(self) -> bool:
        """Take what comes next, once the last piece is done."""
        with self._turn:
            if self.given_up or (self._handed and self._windows.careful):
                return False
            handed = self._windows.take_handed()
            if not handed:
                return False
            self._handed += handed
            self._size += sum(each.size for each in handed)
            self.origin = handed[0].chunk.origin
            self.events = chain.from_iterable(each.events for each in handed)
            return True

    def flushed(self) -> None:
        """A flush went well."""
        went_well, rest = self._split(self.passed)
        self._handed, self._size = rest, sum(each.size for each in rest)
        self._handled_at_flush, self._died = self.handled, 0
        if went_well:
            self._windows.went_well(went_well, done=not rest)

    def _split(self, count: int) -> tuple[list[Handed], list[Handed]]:
        """The first ``count`` events of what was handed out, and the rest."""
        first: list[Handed] = []
        rest: list[Handed] = []
        for handed in self._handed:
            size = handed.stop - handed.start
            if count >= size:
                first.append(handed)
            elif count > 0:
                first.append(handed._replace(stop=handed.start + count))
                rest.append(handed._replace(start=handed.start + count))
            else:
                rest.append(handed)
            count = max(0, count - size)
        return first, rest

    def lose_unflushed(self) -> int:
        """Nothing is lost: it comes again. See `fail`."""
        return 0

    def fail(self, why: str, *, in_handler: bool, in_flush: bool) -> None:
        """The reporter has crashed: what it took and did not flush comes again."""
        if not self.keeps:
            self.flushed()
        unflushed, _rest = self._split(self.passed + in_handler)
        at = self.passed if in_handler else None
        self._handed, self._size = [], 0
        self._handled_at_flush, self._died = self.handled, 0
        self.events = iter(())
        if in_handler or in_flush:
            self._windows.failed(unflushed, why, at=at)
        else:
            self._windows.rewind()

    def dies(self, reason: str) -> None:
        """The event that the reporter was handed last can never be delivered."""
        position = self.passed
        for handed in self._handed:
            size = handed.stop - handed.start
            if position < size:
                self._windows.dies(handed, handed.start + position, reason)
                break
            position -= size
        self._died += 1

    def give_up(self) -> Remains:
        """The thread hangs, or is to end: another one goes on from what was flushed."""
        with self._turn:
            self.given_up = True
            remaining = len(list(self.events))
            at_event = self.total - remaining > self.passed
            unflushed = self.passed
            if at_event or unflushed:
                self.fail("it hung", in_handler=at_event, in_flush=not at_event)
            else:
                self.fail("", in_handler=False, in_flush=False)
        return Remains(Counts(), 0, [], cut_off=at_event or unflushed > 0)
