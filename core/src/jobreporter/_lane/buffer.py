"""The bounded room in a lane: what happens to events that come faster than their reporter takes them.

The pump puts events in, the lane's thread takes them out, and a lock that both hold for moments only lies between them;
publishers never come here. Every event gets a position, counted from 0 as they are admitted, so that a flush can tell
whether what came before it is gone.

A fifth of the room is kept for outcomes and ``Stopped``: a flood of ``Started`` can't push out how jobs ended.
"""

from __future__ import annotations

import _thread
from _thread import LockType
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple, Protocol

from jobreporter._config.settings import LaneSettings
from jobreporter._system.at_once import at_once
from jobreporter.events import Event, Started, kind_of

#: Events that a lane takes at once. It bounds the events that are in flight, beyond those in the buffer.
PIECE = 512


class Piece(NamedTuple):
    """A run of events that one lane takes at once. ``events`` may be shared with other lanes: don't change it."""

    position: int
    events: Sequence[Event]
    bytes: int


class Batch(NamedTuple):
    """A run of events that the pump hands to every lane.

    number: grows from batch to batch, so that a pump that was interrupted may offer one again. bytes: what all the events
    take together.
    """

    number: int
    events: Sequence[Event]
    bytes: int


Hold = Callable[[Piece], Sequence[Callable[[], object]]]


def nothing(_piece: Piece) -> Sequence[Callable[[], object]]:
    """What a taker does that has no place of its own for a piece."""
    return ()


class Account(NamedTuple):
    """All that a buffer counts. It is replaced as a whole: whatever interrupts an offer, what was counted has happened."""

    #: Events that were ever admitted.
    admitted: int = 0
    waiting: int = 0
    bytes: int = 0
    dropped: Mapping[str, int] = MappingProxyType({})
    unsent: Mapping[str, int] = MappingProxyType({})
    #: The last batch that was offered, and how many of its events it was decided about.
    batch: int = 0
    within: int = 0


class Buffer(Protocol):
    """One lane's room."""

    #: Between the pump and the lane's thread; held for moments only.
    lock: LockType

    @property
    def dropped(self) -> Mapping[str, int]:
        """Events that were dropped for want of room, by kind."""

    @property
    def unsent(self) -> Mapping[str, int]:
        """Events that were there when it closed, or came later, by kind."""

    @property
    def admitted(self) -> int:
        """How many events were ever admitted: the position that the next one gets."""

    @property
    def waiting(self) -> int:
        """How many events wait."""

    @property
    def oldest(self) -> int | None:
        """The position of the oldest event that waits; ``None`` if none does."""

    def offer(self, batch: Batch) -> None:
        """Admit as many of the events as fit. Those of a batch that was offered before are not admitted again."""

    def take(self, hold: Hold = nothing) -> Piece | None:
        """Take the oldest events, `PIECE` at most; ``None`` if there are none.

        hold: the steps by which the taker gets them, at once with those by which they leave.
        """

    def put_back(self, position: int, events: Sequence[Event]) -> None:
        """Return events that were taken and not handled to where they were. To do so twice changes nothing."""

    def close(self) -> None:
        """Let nothing in any more. What waits, or still comes, counts as ``unsent``."""


class Room:
    """How much fits: two limits, each with its reserve for outcomes and ``Stopped``."""

    __slots__ = ("bytes", "bytes_for_started", "events", "events_for_started")

    def __init__(self, settings: LaneSettings) -> None:
        self.events = settings.capacity
        self.events_for_started = settings.capacity - settings.capacity // 5
        self.bytes = settings.capacity_bytes
        self.bytes_for_started = settings.capacity_bytes - settings.capacity_bytes // 5

    def fits(self, event: Event, events: int, size: int) -> bool:
        """Whether the event may come in, given what would be there with it."""
        if type(event) is Started:
            return events <= self.events_for_started and size <= self.bytes_for_started
        return events <= self.events and size <= self.bytes

    def fits_any(self, events: int, size: int) -> bool:
        """Whether so much fits whatever kinds of events it is."""
        return events <= self.events_for_started and size <= self.bytes_for_started


def new_buffer(settings: LaneSettings) -> Buffer:
    """A buffer with the room and the overflow policy that the settings name."""
    return DropOldest(settings) if settings.overflow == "drop_oldest" else DropNewest(settings)


def _counted(by_kind: Mapping[str, int], events: Iterable[Event]) -> dict[str, int]:
    """A dict of its own: whoever reads the ledger may be in the middle of the one before."""
    total = dict(by_kind)
    for event in events:
        kind = kind_of(event)
        total[kind] = total.get(kind, 0) + 1
    return total


class _Bounded:
    """What both policies keep account of."""

    def __init__(self, settings: LaneSettings) -> None:
        self._room = Room(settings)
        self.lock = _thread.allocate_lock()
        self._closed = False
        self._account = Account()

    @property
    def admitted(self) -> int:
        return self._account.admitted

    @property
    def waiting(self) -> int:
        return self._account.waiting

    @property
    def dropped(self) -> Mapping[str, int]:
        return self._account.dropped

    @property
    def unsent(self) -> Mapping[str, int]:
        return self._account.unsent

    def _turn_away(self, account: Account, batch: Batch, events: Sequence[Event]) -> None:
        """The buffer has closed: these were not sent."""
        self._account = account._replace(
            unsent=_counted(account.unsent, events), batch=batch.number, within=len(batch.events)
        )


class DropNewest(_Bounded):
    """Turns away what doesn't fit.

    As long as there is room, lanes share the pump's batches: a buffered event costs each lane nothing of its own.
    """

    def __init__(self, settings: LaneSettings) -> None:
        super().__init__(settings)
        # What waits, oldest first. All lanes hold the same batches, so that to buffer an event for another lane takes next
        # to nothing: a record of a lane's own for each would double what ten lanes take.
        self._batches: deque[Batch] = deque()

    @property
    def oldest(self) -> int | None:
        with self.lock:
            return self._oldest

    @property
    def _oldest(self) -> int | None:
        return self._account.admitted - self._account.waiting if self._batches else None

    def offer(self, batch: Batch) -> None:
        with self.lock:
            account, events = self._account, batch.events
            if batch.number <= account.batch:
                return
            if self._closed:
                self._turn_away(account, batch, events)
            elif self._room.fits_any(account.waiting + len(events), account.bytes + batch.bytes):
                self._admit(batch, account.dropped)
            else:
                fitting, refused = self._sorted(batch)
                size = batch.bytes * len(fitting) // len(events)
                self._admit(Batch(batch.number, fitting, size), _counted(account.dropped, refused))

    def _sorted(self, batch: Batch) -> tuple[list[Event], list[Event]]:
        """The events for which there is room, and the others."""
        waiting, size, each = self._account.waiting, self._account.bytes, batch.bytes // len(batch.events)
        fitting: list[Event] = []
        refused: list[Event] = []
        for event in batch.events:
            if self._room.fits(event, waiting + 1, size + each):
                waiting += 1
                size += each
                fitting.append(event)
            else:
                refused.append(event)
        return fitting, refused

    def _admit(self, batch: Batch, dropped: Mapping[str, int]) -> None:
        account, count = self._account, len(batch.events)
        then = Account(
            account.admitted + count,
            account.waiting + count,
            account.bytes + batch.bytes,
            dropped,
            account.unsent,
            batch.number,
        )
        if count:
            at_once(partial(self._batches.append, batch), partial(setattr, self, "_account", then))
        else:
            self._account = then

    def take(self, hold: Hold = nothing) -> Piece | None:
        with self.lock:
            if not self._batches:
                return None
            # They come and go at the ends only, and what is put back goes to where it was: so positions have no gaps.
            account, batch = self._account, self._batches[0]
            then = account._replace(waiting=account.waiting - len(batch.events), bytes=account.bytes - batch.bytes)
            piece = Piece(account.admitted - account.waiting, batch.events, batch.bytes)
            at_once(*hold(piece), self._batches.popleft, partial(setattr, self, "_account", then))
            return piece

    def put_back(self, position: int, events: Sequence[Event]) -> None:
        with self.lock:
            if self._oldest == position:
                return
            then = self._account._replace(waiting=self._account.waiting + len(events))
            at_once(partial(self._batches.appendleft, Batch(0, events, 0)), partial(setattr, self, "_account", then))

    def close(self) -> None:
        with self.lock:
            self._closed = True
            unsent = self._account.unsent
            for batch in self._batches:
                unsent = _counted(unsent, batch.events)
            then = self._account._replace(unsent=unsent, waiting=0, bytes=0)
            at_once(self._batches.clear, partial(setattr, self, "_account", then))


class _Waiting(NamedTuple):
    position: int
    event: Event
    bytes: int


_position = itemgetter(0)


class DropOldest(_Bounded):
    """Makes room for new events: the oldest ``Started`` goes first and, for an outcome, the oldest of the others."""

    def __init__(self, settings: LaneSettings) -> None:
        super().__init__(settings)
        self._started: deque[_Waiting] = deque()
        self._others: deque[_Waiting] = deque()

    @property
    def oldest(self) -> int | None:
        with self.lock:
            return self._oldest

    @property
    def _oldest(self) -> int | None:
        return min((queue[0].position for queue in (self._started, self._others) if queue), default=None)

    def offer(self, batch: Batch) -> None:
        with self.lock:
            account, events = self._account, batch.events
            if batch.number < account.batch:
                return
            done = account.within if batch.number == account.batch else 0
            if self._closed:
                self._turn_away(account, batch, events[done:])
            elif not done and self._room.fits_any(account.waiting + len(events), account.bytes + batch.bytes):
                self._admit_all(batch)
            else:
                each = batch.bytes // len(events)
                for number, event in enumerate(events[done:], done + 1):
                    self._admit(event, each, batch.number, number)

    def _admit_all(self, batch: Batch) -> None:
        account, count = self._account, len(batch.events)
        each = batch.bytes // count
        new = [_Waiting(position, event, each) for position, event in enumerate(batch.events, account.admitted)]
        then = account._replace(
            admitted=account.admitted + count,
            waiting=account.waiting + count,
            bytes=account.bytes + each * count,
            batch=batch.number,
            within=count,
        )
        at_once(
            partial(self._started.extend, [waiting for waiting in new if type(waiting.event) is Started]),
            partial(self._others.extend, [waiting for waiting in new if type(waiting.event) is not Started]),
            partial(setattr, self, "_account", then),
        )

    def _admit(self, event: Event, size: int, batch: int, within: int) -> None:
        while not self._room.fits(event, self._account.waiting + 1, self._account.bytes + size):
            if not self._evict_for(event):
                dropped = _counted(self._account.dropped, [event])
                self._account = self._account._replace(dropped=dropped, batch=batch, within=within)
                return
        account = self._account
        queue = self._started if type(event) is Started else self._others
        then = account._replace(
            admitted=account.admitted + 1,
            waiting=account.waiting + 1,
            bytes=account.bytes + size,
            batch=batch,
            within=within,
        )
        at_once(
            partial(queue.append, _Waiting(account.admitted, event, size)), partial(setattr, self, "_account", then)
        )

    def _evict_for(self, event: Event) -> bool:
        if self._started:
            queue = self._started
        elif self._others and type(event) is not Started:
            queue = self._others
        else:
            return False
        account, oldest = self._account, queue[0]
        then = account._replace(
            waiting=account.waiting - 1,
            bytes=account.bytes - oldest.bytes,
            dropped=_counted(account.dropped, [oldest.event]),
        )
        at_once(queue.popleft, partial(setattr, self, "_account", then))
        return True

    def take(self, hold: Hold = nothing) -> Piece | None:
        with self.lock:
            account, count = self._account, min(PIECE, self._account.waiting)
            if not count:
                return None
            # As many of the one queue as of the other are looked at, to find the oldest of both.
            either = (*islice(self._started, count), *islice(self._others, count))
            taken = sorted(either, key=_position)[:count]
            started = sum(type(waiting.event) is Started for waiting in taken)
            size = sum(waiting.bytes for waiting in taken)
            piece = Piece(taken[0].position, [waiting.event for waiting in taken], size)
            then = account._replace(waiting=account.waiting - count, bytes=account.bytes - size)
            at_once(
                *hold(piece),
                *(started * [self._started.popleft]),
                *((count - started) * [self._others.popleft]),
                partial(setattr, self, "_account", then),
            )
            return piece

    def put_back(self, position: int, events: Sequence[Event]) -> None:
        with self.lock:
            if self._oldest == position:
                return
            # Their own positions may have had gaps; counting on from the first keeps their order, and stays below
            # the positions of all that came after them.
            back = [_Waiting(number, event, 0) for number, event in reversed(list(enumerate(events, position)))]
            then = self._account._replace(waiting=self._account.waiting + len(back))
            at_once(
                partial(self._started.extendleft, [each for each in back if type(each.event) is Started]),
                partial(self._others.extendleft, [each for each in back if type(each.event) is not Started]),
                partial(setattr, self, "_account", then),
            )

    def close(self) -> None:
        with self.lock:
            self._closed = True
            waiting = (waiting.event for waiting in (*self._started, *self._others))
            then = self._account._replace(unsent=_counted(self._account.unsent, waiting), waiting=0, bytes=0)
            at_once(self._started.clear, self._others.clear, partial(setattr, self, "_account", then))
