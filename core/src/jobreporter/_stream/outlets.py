"""Where a worker's events go: to its spool, or to the stream itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from jobreporter._stream.beat import encode_beat
from jobreporter._stream.encode import MOST, Encoded, Header, TooBig, encode
from jobreporter._stream.handover import Part, hand_over
from jobreporter._stream.partition import partition_of
from jobreporter._stream.spool_writer import SpoolWriter
from jobreporter.context import Origin
from jobreporter.events import Event
from jobreporter.streams import Stream, StreamRefused

#: Told of events that are lost: why, and how many.
Lost = Callable[[str, int], None]
#: The next number for each partition. It is the producer's, and outlives an outlet.
Numbers = dict[int, int]


class Outlet(Protocol):
    """Keeps events until they are stored, in order. What it raises are a stream's errors; then `flush` goes on later."""

    def add(self, events: Sequence[Event]) -> None:
        """Encode events, and keep them. Raises nothing."""

    def flush(self) -> None:
        """Store everything that is kept."""

    def beat(self, data: bytes) -> None:
        """Give a sign of life."""

    def close(self) -> None:
        """The process ends, or its outlet does. Raises nothing."""


class SpoolOutlet:
    """Writes to the producer's own files."""

    def __init__(self, writer: SpoolWriter, producer: bytes, origin: Origin, lost: Lost, numbers: Numbers) -> None:
        self._writer = writer
        self._producer = producer
        self._origin = origin
        self._lost = lost
        self._numbers = numbers
        self._kept: deque[bytes] = deque()

    def add(self, events: Sequence[Event]) -> None:
        first = self._numbers.get(0, 1)
        for encoded in encoded_all(Header(self._producer, first, self._origin), events, self._lost):
            first += encoded.events
            self._numbers[0] = first
            self._kept.append(encoded.data)

    def flush(self) -> None:
        while self._kept:
            self._writer.append(self._kept[0])
            self._kept.popleft()

    def beat(self, data: bytes) -> None:
        self._writer.append(encode_beat(self._producer, data))

    def close(self) -> None:
        self._writer.close()


class DirectOutlet:
    """Appends to a stream. What was sent and not answered is sent again as it was.

    open_again: has a stream that refuses be opened anew.
    """

    def __init__(
        self,
        stream: Stream,
        producer: bytes,
        origin: Origin,
        lost: Lost,
        numbers: Numbers,
        *,
        open_again: Callable[[], object] = bool,
    ) -> None:
        self._stream = stream
        self._open_again = open_again
        self._producer = producer
        self._origin = origin
        self._lost = lost
        self._waiting: list[Event] = []
        self._next = numbers
        self._parts: dict[int, deque[Part]] = {}

    def add(self, events: Sequence[Event]) -> None:
        self._waiting += events  # how many partitions there are, the stream says, and it may not answer now

    def flush(self) -> None:
        try:
            self._flush()
        except StreamRefused:
            self._open_again()
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._spread(self._stream.partitions)
        while first := [queue[0] for queue in self._parts.values() if queue]:
            outcome = hand_over(self._stream, self._producer, first, noted=self._noted)
            if outcome.repeated:
                self._lost("repeated", outcome.repeated)
            if outcome.rolled_back:
                self._lost("rolled_back", outcome.rolled_back)

    def _noted(self, part: Part) -> None:
        self._parts[part.partition].popleft()

    def _spread(self, partitions: int) -> None:
        events, self._waiting = self._waiting, []
        by_partition: dict[int, list[Event]] = {}
        for event in events:
            by_partition.setdefault(partition_of(event.job.id, partitions), []).append(event)
        for partition, chosen in by_partition.items():
            first = self._next.get(partition, 1)
            for encoded in encoded_all(Header(self._producer, first, self._origin), chosen, self._lost):
                numbers = range(first, first + encoded.events)
                part = Part(partition, first, numbers.stop - 1, numbers, encoded)
                self._parts.setdefault(partition, deque()).append(part)
                first = numbers.stop
            self._next[partition] = first

    def beat(self, data: bytes) -> None:
        self._stream.beat(self._producer, data)

    def close(self) -> None:
        try:
            self._stream.leave(self._producer)
        except Exception:  # noqa: S110 - without it, the process is found to be gone a little later
            pass
        self._stream.close()


def encoded_all(header: Header, events: Sequence[Event], lost: Lost) -> Iterator[Encoded]:
    """Batches of all events, as few as they fit into. An event that fits into none, or that can't be encoded, is lost."""
    for start in range(0, len(events), MOST):
        for encoded in _encoded(header, events[start : start + MOST], lost):
            yield encoded
            header = header._replace(first=header.first + encoded.events)


def _encoded(header: Header, events: Sequence[Event], lost: Lost) -> Iterator[Encoded]:
    try:
        encoded = encode(header, events)
    except TooBig:
        reason = "too_big"
    except Exception:  # more than plain data, or a text that is none: whatever the encoder raises
        reason = "invalid"
    else:
        yield encoded
        return
    if len(events) == 1:
        lost(reason, 1)
        return
    middle = len(events) // 2
    for half in (events[:middle], events[middle:]):
        for encoded in _encoded(header, half, lost):
            yield encoded
            header = header._replace(first=header.first + encoded.events)
