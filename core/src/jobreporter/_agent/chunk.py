"""A piece of a window: the events of one entry, and which of them the reporter is to have."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import NamedTuple

from jobreporter._stream.decode import Decoded, Unknown
from jobreporter.context import Origin
from jobreporter.events import Event
from jobreporter.streams import Entry


class Counts(NamedTuple):
    """How the events of a run end that the reporter is not handed."""

    filtered: int
    unknown: int


_NOTHING = Decoded(b"", 0, Origin(host="", pid=0, version=""), (), None)


class Chunk:
    """The events of an entry from an offset on.

    ``when`` is asked here, once for each event: an event that is handed out a second time, since a flush failed, has
    passed already.
    """

    __slots__ = ("_is_readable", "_unknown", "begin", "end", "events", "key", "offsets", "origin", "size")

    def __init__(
        self, entry: Entry, decoded: Decoded | None, begin: int, wanted: Callable[[Event], bool] | None
    ) -> None:
        """decoded: ``None`` for an entry that nobody can read."""
        self._is_readable = decoded is not None
        decoded = decoded or _NOTHING
        self.origin: Origin = decoded.origin
        self.key = entry.key
        #: The offsets that it covers: from the first up to and without the second.
        self.begin = begin
        self.end = entry.end
        found = decoded.events[begin - entry.offset :]
        offsets = range(begin, entry.end if self._is_readable else begin)
        self._unknown = [offset for offset, event in zip(offsets, found, strict=True) if type(event) is Unknown]
        #: What the reporter gets, and the offset of each.
        self.events: Sequence[Event] = found  # type: ignore[assignment]  # what is no event goes in the next lines
        self.offsets: Sequence[int] = offsets
        if self._unknown or wanted is not None:
            kept = [
                (offset, event)
                for offset, event in zip(offsets, found, strict=True)
                if isinstance(event, Event) and (wanted is None or wanted(event))
            ]
            self.offsets = [offset for offset, _event in kept]
            self.events = [event for _offset, event in kept]
        #: Bytes that these events take in memory, roughly.
        self.size = decoded.size * len(self.events) // max(1, len(decoded.events))

    def index_from(self, offset: int) -> int:
        """The index of the first event that the reporter gets at this offset or later."""
        return bisect_left(self.offsets, offset)

    def counts(self, begin: int, end: int) -> Counts:
        """What the reporter is not handed between two offsets."""
        if not self._is_readable:
            return Counts(0, 0)
        begin, end = max(begin, self.begin), min(end, self.end)
        unknown = bisect_left(self._unknown, end) - bisect_left(self._unknown, begin)
        given = self.index_from(end) - self.index_from(begin)
        return Counts(end - begin - given - unknown, unknown)
