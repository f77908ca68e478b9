"""What one thread has taken of a lane's events, and what became of it."""

from __future__ import annotations

from _thread import LockType
from collections.abc import Iterator
from typing import NamedTuple

from jobreporter._buffer import Buffer
from jobreporter.events import Event


class Counts(NamedTuple):
    """How events ended."""

    handled: int = 0
    failed: int = 0
    filtered: int = 0

    def plus(self, other: Counts) -> Counts:
        return Counts(self.handled + other.handled, self.failed + other.failed, self.filtered + other.filtered)


class Remains(NamedTuple):
    """What a thread that was given up leaves: its counts, and the events that it took and did not get to.

    cut_off: whether it was at an event, which counts as failed.
    """

    counts: Counts
    position: int
    events: list[Event]
    cut_off: bool


class Hand:
    """The events that a thread holds, with its share of the lane's ledger. Only that thread counts here.

    Taking an event from ``events`` is atomic: it belongs either to the thread or, once that is given up, to whoever took
    the rest. So a thread that comes back late can't handle an event a second time, and no call pays for a lock.
    """

    __slots__ = ("_base", "_buffer", "_taken", "_turn", "events", "failed", "filtered", "given_up", "handled")

    def __init__(self, buffer: Buffer, turn: LockType) -> None:
        self._buffer = buffer
        self._turn = turn
        self._base = 0
        self._taken = 0
        self.events: Iterator[Event] = iter(())
        self.handled = 0
        self.failed = 0
        self.filtered = 0
        #: The thread is to stop: another one goes on from where it stood.
        self.given_up = False

    @property
    def counts(self) -> Counts:
        return Counts(self.handled, self.failed, self.filtered)

    @property
    def oldest(self) -> int:
        """The position of the oldest event that is not settled; that of the next one to come if all are."""
        settled = sum(self.counts)
        if settled < self._taken:
            return self._base + settled
        waiting = self._buffer.oldest
        return self._buffer.admitted if waiting is None else waiting

    def take(self) -> bool:
        """Fill an empty hand from the buffer; ``False`` if nothing waits there."""
        with self._turn:
            piece = None if self.given_up else self._buffer.take()
            if piece is None:
                return False
            self._base = piece.position - self._taken
            self._taken += len(piece.events)
            self.events = iter(piece.events)
            return True

    def give_up(self) -> Remains:
        """Take what the thread didn't get to. The event that it is at, if any, has failed."""
        with self._turn:
            self.given_up = True
            rest = list(self.events)
            counts = self.counts
        begun = self._taken - len(rest)
        unsettled = begun - sum(counts)
        counts = counts._replace(failed=counts.failed + unsettled)
        return Remains(counts, self._base + begun, rest, cut_off=unsettled > 0)
