"""Fills the reporters' windows with what they are to read next. What several of them read is read and decoded once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from jobreporter._agent.chunk import Chunk
from jobreporter._agent.lane import WindowLane
from jobreporter._agent.portion import LEAST, Portion
from jobreporter._stream.decode import Decoded, decode
from jobreporter._stream.frame import Unreadable
from jobreporter.events import Event
from jobreporter.streams import Entry, Stream, Window

# Entries that are kept decoded, for the reporters that read them after the first.
_DECODED = 64


class Loader:
    """For one thread."""

    def __init__(self, stream: Stream, lanes: Sequence[WindowLane]) -> None:
        self._stream = stream
        self._lanes = {lane.name: lane for lane in lanes}
        self._decoded: dict[tuple[int, str], Decoded | str] = {}
        self._first = 0
        self._bytes_per_event = 128.0
        self._portion = Portion()
        #: By partition: the offset up to which everything was read, as long as that is known.
        self.heads: dict[int, int] = {}
        #: The reporters and partitions that were to be read where the stream has nothing any more.
        self.astray: list[tuple[str, int]] = []

    def look_at(self, partition: int) -> None:
        """It is to be read, whatever is known."""
        self.heads.pop(partition, None)

    def load(self, held: Iterable[tuple[str, int]]) -> bool:
        """Read what finds room. held: reporters and their partitions. Returns whether there was anything."""
        wanted: dict[tuple[int, int], list[WindowLane]] = {}
        # Each partition is the first in its turn: while all have more than finds room, those that come first get it.
        self._first = first = (self._first + 1) % self._stream.partitions
        for name, partition in sorted(held, key=lambda lease: (lease[1] < first, lease[1])):
            lane = self._lanes[name]
            offset = lane.windows.wants(partition)
            if offset is not None and offset < self.heads.get(partition, offset + 1):
                wanted.setdefault((partition, offset), []).append(lane)
        found, self.astray = False, []
        for (partition, offset), lanes in wanted.items():
            window = self._read(partition, offset, room=max(lane.windows.room for lane in lanes))
            if not _follows(window, offset):
                self.astray += [(lane.name, partition) for lane in lanes]
                continue
            entries = window.entries
            found |= bool(entries)
            wanted_by = [(lane, lane.wanted()) for lane in lanes]
            for entry in entries:  # for all of them while it is decoded
                for lane, passes in wanted_by:
                    self._load(lane, partition, entry, passes)
            for lane in lanes if entries else ():
                lane.wakeup.wake()
        return found

    def _read(self, partition: int, offset: int, room: int) -> Window:
        # What finds no room would be read again.
        with self._portion.reading():
            most = min(self._portion.bytes, max(LEAST, int(room * self._bytes_per_event)))
            window = self._stream.read(partition, offset, most)
        self.heads[partition] = window.head
        if events := sum(entry.events for entry in window.entries):
            self._bytes_per_event = sum(len(entry.data) for entry in window.entries) / events
        return window

    def _load(self, lane: WindowLane, partition: int, entry: Entry, passes: Callable[[Event], bool] | None) -> None:
        offset = lane.windows.wants(partition)
        if offset is None or entry.end <= offset:
            return
        begin = max(offset, entry.offset)
        decoded = self._decode(partition, entry)
        if isinstance(decoded, str):
            chunk = Chunk(entry, None, begin, None)
            lane.windows.load_unreadable(partition, chunk, f"the entry can't be read: {decoded}", entry.data)
            return
        if decoded.only not in (None, lane.name):
            passes = _not_wanted
        lane.windows.load(partition, Chunk(entry, decoded, begin, passes))

    def _decode(self, partition: int, entry: Entry) -> Decoded | str:
        """The events of an entry; or why it can't be read. Several reporters read it, one after the other."""
        found = self._decoded.get((partition, entry.key))
        if found is None:
            try:
                found = decode(entry.data)
                if len(found.events) != entry.events:
                    found = f"it holds {len(found.events)} events instead of {entry.events}"
            except Unreadable as error:
                found = str(error)
            while len(self._decoded) >= _DECODED:
                del self._decoded[next(iter(self._decoded))]
            self._decoded[partition, entry.key] = found
        return found


def _follows(window: Window, offset: int) -> bool:
    """Whether what was read begins at this offset, or there is nothing yet."""
    return window.head == offset or any(entry.offset <= offset for entry in window.entries[:1])


def _not_wanted(_event: Event) -> bool:
    """It is for another reporter."""
    return False
