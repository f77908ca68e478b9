"""What one thread has taken of a lane's events, and what became of it."""

from __future__ import annotations

from _thread import LockType
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from jobreporter._lane.buffer import Buffer, Piece
from jobreporter.context import Origin
from jobreporter.events import Event


class Counts(NamedTuple):
    """How events ended, and how many of those that the reporter took it has yet to flush."""

    handled: int = 0
    failed: int = 0
    filtered: int = 0
    unflushed: int = 0

    def plus(self, other: Counts) -> Counts:
        return Counts(*map(sum, zip(self, other, strict=True)))

    @property
    def settled(self) -> int:
        """How many events it was decided about."""
        return self.handled + self.failed + self.filtered


class Remains(NamedTuple):
    """What a thread that was given up leaves: its counts, and the events that it took and did not get to.

    cut_off: whether it was at an event, or had taken some and not flushed them: these count as failed.
    """

    counts: Counts
    position: int
    events: list[Event]
    cut_off: bool


class InFlight:
    """The events that a thread holds, with its share of the lane's ledger. Only that thread counts here.

    Taking an event from ``events`` is atomic: it belongs either to the thread or, once that is given up, to whoever took
    the rest. So a thread that comes back late can't handle an event a second time, and no call pays for a lock.
    """

    __slots__ = (
        "_base",
        "_buffer",
        "_rest",
        "_taken",
        "_turn",
        "_unsettled",
        "events",
        "failed",
        "filtered",
        "given_up",
        "handled",
        "keeps",
    )

    def __init__(self, buffer: Buffer, turn: LockType) -> None:
        self._buffer = buffer
        self._turn = turn
        self._base = 0
        self._taken = 0
        # The events that the thread did not get to, once it is given up.
        self._rest: list[Event] = []
        # Of the handled events: up to which one flushes went well, and how many before it were lost with a state.
        self._unsettled = (0, 0)
        self.events: Iterator[Event] = iter(())
        #: Events that the reporter's handlers took.
        self.handled = 0
        self.failed = 0
        self.filtered = 0
        #: Whether the reporter has a ``reporter_flush``, and events only count as handled after one.
        self.keeps = False
        #: The thread is to stop: another one goes on from where it stood.
        self.given_up = False

    #: Where the events at hand come from; ``None``: from this process.
    origin: Origin | None = None

    @property
    def flush_due(self) -> bool:
        """Whether the reporter should flush now, whatever the time."""
        return False

    @property
    def counts(self) -> Counts:
        flushed, lost = self._unsettled
        handled = self.handled
        unflushed = handled - flushed if self.keeps else 0
        return Counts(handled - unflushed - lost, self.failed + lost, self.filtered, unflushed)

    @property
    def done(self) -> int:
        """How many events the thread is through with, flushed or not."""
        return self.handled + self.failed + self.filtered

    def flushed(self) -> None:
        """A flush went well: all that the reporter took is handled."""
        self._unsettled = (self.handled, self._unsettled[1])

    def lose_unflushed(self) -> int:
        """The reporter's state is lost, and with it the events that it had yet to flush. Returns how many those are."""
        unflushed = self.counts.unflushed
        flushed, lost = self._unsettled
        self._unsettled = (flushed + unflushed, lost + unflushed)
        return unflushed

    @property
    def oldest(self) -> int:
        """The position of the oldest event that is not settled; that of the next one to come if all are."""
        if self.done < self._taken:
            return self._base + self.done
        waiting = self._buffer.oldest
        return self._buffer.admitted if waiting is None else waiting

    def take(self) -> bool:
        """Take the next piece from the buffer, once the last one is done; ``False`` if nothing waits there."""
        with self._turn:
            return not self.given_up and self._buffer.take(self._hold) is not None

    def _hold(self, piece: Piece) -> Sequence[Callable[[], object]]:
        return (
            partial(setattr, self, "_base", piece.position - self._taken),
            partial(setattr, self, "_taken", self._taken + len(piece.events)),
            partial(setattr, self, "events", iter(piece.events)),
        )

    def give_back(self, event: Event) -> None:
        """Have an event that was taken from ``events``, and not settled, come next again."""
        with self._turn:
            if not self.given_up:
                self.events = iter([event, *self.events])

    def give_up(self) -> Remains:
        """Take the events that the thread didn't get to. The one that it is at, and those it had yet to flush, have failed.

        To do so again gives the same.
        """
        with self._turn:
            self.given_up = True
            self._rest.extend(self.events)  # and a second time, if this is interrupted, no more
            rest = self._rest
            # One look at each counter: the thread may come back just now, and count on.
            handled, failed, filtered = self.handled, self.failed, self.filtered
            flushed, lost = self._unsettled
        begun = self._taken - len(rest)
        at = begun - handled - failed - filtered
        unflushed = handled - flushed if self.keeps else 0
        counts = Counts(handled - unflushed - lost, failed + lost + unflushed + at, filtered)
        return Remains(counts, self._base + begun, rest, cut_off=at + unflushed > 0)
