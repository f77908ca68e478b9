"""What of one partition is in a reporter's hands: events stay here until the stream has settled them.

The feeder's thread loads chunks at the end and takes settlements from the beginning; the lane's thread hands events out
and says which of them went well. The buffer that holds the window has a lock, and calls all of this under it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from operator import attrgetter
from typing import NamedTuple

from jobreporter._agent.chunk import Chunk
from jobreporter.context import Origin
from jobreporter.events import Event
from jobreporter.streams import DeadLetter, Lease, Settlement

_end = attrgetter("end")


class Handed(NamedTuple):
    """A run of events of one chunk, as it was given out."""

    window: Window
    chunk: Chunk
    start: int
    stop: int

    @property
    def events(self) -> list[Event]:
        return list(self.chunk.events[self.start : self.stop])

    @property
    def size(self) -> int:
        """Bytes that they take, roughly."""
        return self.chunk.size * (self.stop - self.start) // len(self.chunk.offsets)


class Suspect(NamedTuple):
    """An event that may be why its reporter fails."""

    window: Window
    offset: int
    event: Event
    origin: Origin


class Window:
    """Of one partition, under one lease."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        #: The position that the stream has.
        self.settled = lease.position
        #: All before this went well, or went otherwise, and a flush after it did.
        self.flushed = lease.position
        #: The next event to hand out.
        self.cursor = lease.position
        #: What comes after the last chunk.
        self.loaded = lease.position
        self.chunks: deque[Chunk] = deque()
        #: Bytes that the events in them take, roughly.
        self.size = 0
        #: Events that were handed out before their turn, and went well.
        self.early: set[int] = set()
        self.dead: dict[int, DeadLetter] = {}
        #: Somebody else has the lease, or the stream stands elsewhere: whatever becomes of these events counts no more.
        self.void = False
        #: The lease is to be given up: nothing more is handed out.
        self.draining = False

    @property
    def held(self) -> int:
        """Events that are in memory."""
        return self.loaded - self.settled

    def load(self, chunk: Chunk) -> None:
        """Add what comes next. Where it doesn't join on, what lies between has expired."""
        if chunk.begin > self.loaded and self.loaded == self.settled:
            self.settled = self.flushed = self.cursor = chunk.begin
        self.chunks.append(chunk)
        self.size += chunk.size
        self.loaded = chunk.end

    def next(self, most: int) -> Handed | None:
        """The next events, ``most`` at most, all of one chunk."""
        if self.draining:
            return None
        passed = self.passed
        for chunk in self._chunks_from(self.cursor):
            count = len(chunk.offsets)
            start = chunk.index_from(self.cursor)
            while start < count and chunk.offsets[start] in passed:
                start += 1
            stop = min(start + most, count)
            if passed:
                stop = next((index for index in range(start, stop) if chunk.offsets[index] in passed), stop)
            self.cursor = chunk.end if stop == count else chunk.offsets[stop]
            if stop > start:
                return Handed(self, chunk, start, stop)
        return None

    def _chunks_from(self, offset: int) -> Iterator[Chunk]:
        """The chunk that holds an offset, and those after it. A window of small entries has thousands before it."""
        for index in range(bisect_right(self.chunks, offset, key=_end), len(self.chunks)):
            yield self.chunks[index]

    @property
    def passed(self) -> set[int] | frozenset[int]:
        """Offsets that it is decided about already."""
        return self.early | self.dead.keys() if self.early or self.dead else frozenset()

    def is_past(self, offset: int) -> bool:
        """Whether it is decided about an event."""
        return offset < self.flushed or offset in self.passed

    def went_well(self, upto: int) -> None:
        """Everything before an offset went well. What follows and is not for the reporter is settled along with it."""
        self.flushed = max(self.flushed, upto)
        self.slide()

    def slide(self) -> None:
        """Move on over what there is nothing to hand out of."""
        for chunk in self._chunks_from(self.flushed):
            index = chunk.index_from(self.flushed)
            while index < len(chunk.offsets) and chunk.offsets[index] in self.passed:
                index += 1
            self.flushed = max(self.flushed, chunk.end if index == len(chunk.offsets) else chunk.offsets[index])
            if self.flushed < chunk.end:
                break
        self.cursor = max(self.cursor, self.flushed)

    def rewind(self) -> None:
        """Go back to the first event that is not known to have gone well."""
        self.cursor = self.flushed

    def settlement(self) -> Settlement | None:
        """What there is to tell the stream; ``None`` if nothing."""
        begin, end = self.settled, self.flushed
        if begin == end:
            return None
        filtered = unknown = 0
        key = ""
        for chunk in self.chunks:
            if chunk.begin >= end:
                break
            counts = chunk.counts(begin, end)
            filtered += counts.filtered
            unknown += counts.unknown
            key = chunk.key
        dead = tuple(letter for offset, letter in sorted(self.dead.items()) if offset < end)
        handled = end - begin - filtered - unknown - sum(letter.events for letter in dead)
        return Settlement(
            begin=begin, end=end, last_key=key, handled=handled, filtered=filtered, unknown=unknown, dead=dead
        )

    def was_settled(self, end: int) -> None:
        """The stream has it."""
        self.settled = end
        while self.chunks and self.chunks[0].end <= end:
            self.size -= self.chunks.popleft().size
        self.early = {offset for offset in self.early if offset >= end}
        self.dead = {offset: letter for offset, letter in self.dead.items() if offset >= end}

    def others_than(self, suspect: Suspect) -> Iterator[Handed]:
        """One by one, the events after the flushed ones that belong to other jobs than the suspect's."""
        for chunk in self._chunks_from(self.flushed):
            for index in range(chunk.index_from(self.flushed), len(chunk.offsets)):
                if chunk.events[index].job.id != suspect.event.job.id and chunk.offsets[index] not in self.passed:
                    yield Handed(self, chunk, index, index + 1)
