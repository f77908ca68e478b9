"""Out of the spool and into the stream.

Each record is appended under the numbers that its producer gave it, so whoever reads a file a second time stores nothing
twice: an ingester that was killed between the append and the removal of the file, or two that were at it at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from jobreporter._stream import frame
from jobreporter._stream.beat import decode_beat
from jobreporter._stream.frame import Unreadable
from jobreporter._stream.handover import Outcome, hand_over, spread
from jobreporter._stream.raw_batch import RawBatch
from jobreporter._stream.spool_folder import DAMAGED, Segment, make_shared
from jobreporter._stream.spool_reader import Record, SegmentReader, identity_of, segments
from jobreporter._system.clock import Clock
from jobreporter.streams import Stream
from jobreporter.streams._files import how_to_open, share

# Seconds between the signs of life that a producer's lock is taken for.
_BEAT_EVERY = 10.0


class Ingested(NamedTuple):
    """What came of one look at the spool, or of all of them."""

    records: int = 0
    outcome: Outcome = Outcome()
    #: Bytes at the ends of files that their producers could not write to the end.
    torn: int = 0
    #: Records whose bytes were damaged, or that this version can't read. They are kept in a folder of the spool's.
    damaged: int = 0

    def plus(self, other: Ingested) -> Ingested:
        return Ingested(
            self.records + other.records,
            self.outcome.plus(other.outcome),
            self.torn + other.torn,
            self.damaged + other.damaged,
        )


class _Producer:
    """What is known of one producer's files."""

    def __init__(self) -> None:
        self.readers: dict[Segment, SegmentReader] = {}
        self.last_beat: float | None = None
        #: What it said of itself last.
        self.said = b""


class _Extent(NamedTuple):
    """How far a file went when a turn began, and when it was written to last (nanoseconds)."""

    written_at: int
    size: int


class Ingest:
    """Moves records from the spool in ``folder`` into a stream. For one thread.

    complain: told of a file that can't be opened, once each.
    """

    def __init__(self, folder: str, stream: Stream, clock: Clock, complain: Callable[[str], None]) -> None:
        self._folder = folder
        self._stream = stream
        self._clock = clock
        self._complain = complain
        self._complained: set[str] = set()
        self._producers: dict[bytes, _Producer] = {}
        self.total = Ingested()

    def counts(self) -> dict[str, int]:
        """The total, as a process says it of itself."""
        total = self.total
        return {
            "records": total.records,
            "repeated": total.outcome.repeated,
            "rolled_back": total.outcome.rolled_back,
            "torn": total.torn,
            "damaged": total.damaged,
        }

    @property
    def name(self) -> str | None:
        """The same in all agents that see this folder, and in no others; ``None`` where there is no folder yet."""
        return identity_of(self._folder)

    def turn(self, enough: Callable[[], bool] = lambda: False) -> int:
        """Append what has come since the last turn. Returns how many records that were.

        enough: asked between two producers, and two pieces of one, whether to leave the rest for the next turn.

        Raises what a stream raises; then the records that it was at come with the next turn.
        """
        found = segments(self._folder)
        for gone in self._producers.keys() - found.keys():
            self._forget(gone)
        before = self.total.records
        # Who tells how the execution of another process ended, such as a parent whose child was killed, writes after that
        # one: so who has written last comes last, and what is written from here on waits for the next turn.
        extents = {name: _extent(os.path.join(self._folder, files[-1].name)) for name, files in found.items()}
        for name in sorted(found, key=lambda name: extents[name].written_at):
            producer = self._producers.setdefault(name, _Producer())
            self._take_from(name, producer, found[name], extents[name].size, enough)
            if enough():
                break
        return self.total.records - before

    def close(self) -> None:
        """Let go of the files."""
        for name in list(self._producers):
            self._forget(name)

    def _forget(self, name: bytes) -> None:
        for reader in self._producers.pop(name).readers.values():
            reader.close()

    def _take_from(
        self, name: bytes, producer: _Producer, files: list[Segment], size: int, enough: Callable[[], bool]
    ) -> None:
        """size: how many bytes of the last file to look at."""
        for number, segment in enumerate(files):
            reader = self._reader(producer, segment)
            if reader is None:
                return  # what is in later files comes after what is in this one
            # In this order: what is free holds all that it ever will. So does what has a successor, though a thread that
            # hangs in it may hold its lock.
            is_last = number == len(files) - 1
            held = is_last and reader.is_held()
            upto = size if is_last else reader.size
            while records := reader.read(held=held, upto=upto):
                for record in records:
                    self._append(name, producer, reader, record)
                    reader.advance(record)
                if enough():
                    return
            if held:
                self._beat(name, producer)
                return
            if reader.size > upto:
                return  # it has written on, and ended
            self._finish(producer, reader)
        # It has ended, on purpose or not. If executions of it are open, they are found to be without a sign of life.
        self._stream.leave(name)
        self._forget(name)

    def _reader(self, producer: _Producer, segment: Segment) -> SegmentReader | None:
        reader = producer.readers.get(segment)
        if reader is None:
            try:
                reader = producer.readers[segment] = SegmentReader(self._folder, segment)
            except FileNotFoundError:
                return None  # another agent has taken all of it
            except OSError as error:
                if segment.name not in self._complained:
                    self._complained.add(segment.name)
                    told = f"can't open {segment.name} in the spool {self._folder!r}: {error.strerror}"
                    self._complain(told + how_to_open(os.path.join(self._folder, segment.name)))
                return None
        return reader

    def _append(self, name: bytes, producer: _Producer, reader: SegmentReader, record: Record) -> None:
        problem = "its bytes are damaged"
        if not record.damaged:
            try:
                if frame.codec_of(record.data) == frame.BEAT:
                    producer.said = decode_beat(record.data).data
                    self._stream.beat(name, producer.said)
                    producer.last_beat = self._clock.monotonic()
                    return
                parts = spread(RawBatch(record.data), self._stream.partitions)
            except Unreadable as error:
                problem = str(error)
            else:
                outcome = hand_over(self._stream, name, parts, noted=_unnoted)
                self._count(Ingested(records=1, outcome=outcome))
                return
        self._keep_damaged(reader.segment, record, problem)

    def _keep_damaged(self, segment: Segment, record: Record, problem: str) -> None:
        folder = os.path.join(self._folder, DAMAGED)
        path = os.path.join(folder, f"{segment.name}.{record.offset}")
        kept = f"and is kept in {path!r}"
        try:
            make_shared(folder)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as file:
                share(descriptor, folder)
                file.write(record.data)
        except FileExistsError:
            return  # it was found before, and the file read again since
        except OSError as error:
            kept = f"and can't be kept in {path!r}: {error.strerror}"
        self._complain(f"a record of {len(record.data)} bytes in a spool can't be read ({problem}), {kept}")
        self._count(Ingested(damaged=1))

    def _finish(self, producer: _Producer, reader: SegmentReader) -> None:
        """All of it was appended, and nothing will come."""
        if reader.torn:
            self._complain(
                f"{reader.segment.name} in the spool {self._folder!r} ends with a torn record, which is lost"
            )
            self._count(Ingested(torn=reader.torn))
        reader.remove()
        reader.close()
        del producer.readers[reader.segment]

    def _beat(self, name: bytes, producer: _Producer) -> None:
        """Its lock says that it lives."""
        now = self._clock.monotonic()
        if producer.last_beat is None or now - producer.last_beat >= _BEAT_EVERY:
            self._stream.beat(name, producer.said)
            producer.last_beat = now

    def _count(self, more: Ingested) -> None:
        self.total = self.total.plus(more)


def _extent(path: str) -> _Extent:
    try:
        found = os.stat(path)
    except OSError:
        return _Extent(0, 0)  # another agent has taken all of it
    return _Extent(found.st_mtime_ns, found.st_size)


def _unnoted(_part: object) -> None:
    """Its number says that the stream has it."""
