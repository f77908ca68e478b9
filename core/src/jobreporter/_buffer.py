"""The bounded room in a lane: what happens to events that come faster than their reporter takes them.

The pump puts events in, the lane's thread takes them out, and a lock that both hold for moments only lies between them;
publishers never come here. Every event gets a position, counted from 0 as they are admitted, so that a flush can tell
whether what came before it is gone.

A fifth of the room is kept for outcomes and ``Stopped``: a flood of ``Started`` can't push out how jobs ended.
"""

from __future__ import annotations

import _thread
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from jobreporter._settings import LaneSettings
from jobreporter.events import Event, Started

#: Events that a lane takes at once. It bounds what is in a reporter's hands, beyond its buffer.
PIECE = 512


class Piece(NamedTuple):
    """A run of events that one lane takes at once. ``events`` may be shared with other lanes: don't change it."""

    position: int
    events: Sequence[Event]
    bytes: int


class Buffer(Protocol):
    """One lane's room."""

    #: Events that were dropped for want of room, by kind. Only the pump writes it.
    dropped: dict[str, int]
    #: Events that were there when it closed, or came later, by kind.
    unsent: dict[str, int]

    @property
    def admitted(self) -> int:
        """How many events were ever admitted: the position that the next one gets."""

    @property
    def waiting(self) -> int:
        """How many events wait."""

    @property
    def oldest(self) -> int | None:
        """The position of the oldest event that waits; ``None`` if none does."""

    def offer(self, events: Sequence[Event], size: int) -> None:
        """Admit as many of the events as fit; ``size`` is what they take in bytes altogether."""

    def take(self) -> Piece | None:
        """Take the oldest events, `PIECE` at most; ``None`` if there are none."""

    def put_back(self, position: int, events: Sequence[Event]) -> None:
        """Return events that were taken and not handled to where they were."""

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


def _count(by_kind: dict[str, int], events: Iterable[Event]) -> None:
    for event in events:
        kind = type(event).__name__.lower()
        by_kind[kind] = by_kind.get(kind, 0) + 1


class _Bounded:
    """What both policies keep account of."""

    def __init__(self, settings: LaneSettings) -> None:
        self._room = Room(settings)
        self._lock = _thread.allocate_lock()
        self._bytes = 0
        self._closed = False
        self.admitted = 0
        self.dropped: dict[str, int] = {}
        self.unsent: dict[str, int] = {}


class DropNewest(_Bounded):
    """Turns away what doesn't fit.

    As long as there is room, lanes share the pump's batches: a buffered event costs each lane nothing of its own.
    """

    def __init__(self, settings: LaneSettings) -> None:
        super().__init__(settings)
        # What waits, oldest first, and the bytes of each. All lanes hold the same objects, so that to buffer an event for
        # another lane takes next to nothing: a record of a lane's own for each batch would double what ten lanes take.
        self._pieces: deque[Sequence[Event]] = deque()
        self._sizes: deque[int] = deque()
        self._events = 0

    @property
    def waiting(self) -> int:
        return self._events

    @property
    def oldest(self) -> int | None:
        with self._lock:
            return self.admitted - self._events if self._pieces else None

    def offer(self, events: Sequence[Event], size: int) -> None:
        with self._lock:
            if self._closed:
                _count(self.unsent, events)
            elif self._room.fits_any(self._events + len(events), self._bytes + size):
                self._admit(events, size)
            else:
                fitting = list(self._fitting(events, size // len(events)))
                if fitting:
                    self._admit(fitting, size * len(fitting) // len(events))

    def _fitting(self, events: Sequence[Event], each: int) -> Iterator[Event]:
        waiting, size = self._events, self._bytes
        for event in events:
            if self._room.fits(event, waiting + 1, size + each):
                waiting += 1
                size += each
                yield event
            else:
                _count(self.dropped, [event])

    def _admit(self, events: Sequence[Event], size: int) -> None:
        self._pieces.append(events)
        self._sizes.append(size)
        self.admitted += len(events)
        self._events += len(events)
        self._bytes += size

    def take(self) -> Piece | None:
        with self._lock:
            if not self._pieces:
                return None
            # They come and go at the ends only, and what is put back goes to where it was: so positions have no gaps.
            piece = Piece(self.admitted - self._events, self._pieces.popleft(), self._sizes.popleft())
            self._events -= len(piece.events)
            self._bytes -= piece.bytes
            return piece

    def put_back(self, position: int, events: Sequence[Event]) -> None:
        with self._lock:
            self._pieces.appendleft(events)
            self._sizes.appendleft(0)
            self._events += len(events)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            for events in self._pieces:
                _count(self.unsent, events)
            self._pieces.clear()
            self._sizes.clear()
            self._events = self._bytes = 0


class _Waiting(NamedTuple):
    position: int
    event: Event
    bytes: int


class DropOldest(_Bounded):
    """Makes room for what comes: the oldest ``Started`` goes first and, for an outcome, the oldest of the others."""

    def __init__(self, settings: LaneSettings) -> None:
        super().__init__(settings)
        self._started: deque[_Waiting] = deque()
        self._others: deque[_Waiting] = deque()

    @property
    def waiting(self) -> int:
        return len(self._started) + len(self._others)

    @property
    def oldest(self) -> int | None:
        with self._lock:
            return min((queue[0].position for queue in (self._started, self._others) if queue), default=None)

    def offer(self, events: Sequence[Event], size: int) -> None:
        each = size // len(events)
        with self._lock:
            if self._closed:
                _count(self.unsent, events)
                return
            for event in events:
                self._admit(event, each)

    def _admit(self, event: Event, size: int) -> None:
        while not self._room.fits(event, self.waiting + 1, self._bytes + size):
            if not self._evict_for(event):
                _count(self.dropped, [event])
                return
        queue = self._started if type(event) is Started else self._others
        queue.append(_Waiting(self.admitted, event, size))
        self.admitted += 1
        self._bytes += size

    def _evict_for(self, event: Event) -> bool:
        if self._started:
            oldest = self._started.popleft()
        elif self._others and type(event) is not Started:
            oldest = self._others.popleft()
        else:
            return False
        self._bytes -= oldest.bytes
        _count(self.dropped, [oldest.event])
        return True

    def take(self) -> Piece | None:
        with self._lock:
            taken = [self._pop_oldest() for _ in range(min(PIECE, self.waiting))]
        if not taken:
            return None
        return Piece(taken[0].position, [waiting.event for waiting in taken], sum(waiting.bytes for waiting in taken))

    def _pop_oldest(self) -> _Waiting:
        if not self._others or (self._started and self._started[0].position < self._others[0].position):
            oldest = self._started.popleft()
        else:
            oldest = self._others.popleft()
        self._bytes -= oldest.bytes
        return oldest

    def put_back(self, position: int, events: Sequence[Event]) -> None:
        with self._lock:
            # Their own positions may have had gaps; counting on from the first keeps their order, and stays below
            # the positions of all that came after them.
            for number, event in reversed(list(enumerate(events, position))):
                queue = self._started if type(event) is Started else self._others
                queue.appendleft(_Waiting(number, event, 0))

    def close(self) -> None:
        with self._lock:
            self._closed = True
            _count(self.unsent, (waiting.event for waiting in (*self._started, *self._others)))
            self._started.clear()
            self._others.clear()
            self._bytes = 0
