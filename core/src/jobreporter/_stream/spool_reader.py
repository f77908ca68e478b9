"""The files of a spool, as an agent reads them: records in order, whatever state their producer left them in."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from typing import NamedTuple

from jobreporter._stream import frame
from jobreporter._stream.beat import producer_of
from jobreporter._stream.spool_folder import Segment, refusal, segment_named
from jobreporter._stream.spool_writer import LENGTH
from jobreporter.streams import _machine

# What a record may take: a batch that compression made no smaller, in its frame.
_LONGEST = frame.LARGEST + 64 * 1024
_SHORTEST = 6


class Record(NamedTuple):
    """A run of bytes that is one record."""

    #: Where it begins in its segment.
    offset: int
    #: The batch in its frame; of what was damaged, the bytes as they stand there.
    data: bytes
    damaged: bool = False


class SegmentReader:
    """One file. It stays open, so that its lock can be asked for and its new records be read."""

    def __init__(self, folder: str, segment: Segment) -> None:
        self.segment = segment
        self.path = os.path.join(folder, segment.name)
        # To lock it takes the right to write. An agent never opens a file that it locks itself as a producer.
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        #: What comes before was read.
        self.offset = 0

    def is_held(self) -> bool:
        """Whether its producer lives, and writes to it. Ask before reading: what is free then holds all that ever will."""
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return True
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN)
        return False

    def read(self, *, held: bool, upto: int | None = None, most: int = 4 * 1024 * 1024) -> list[Record]:
        """The records from the offset on, up to ``most`` bytes of them. `advance` moves the offset.

        held: whether the producer may still be writing: then a record that is not whole is left for the next time. upto:
        where to stop; ``None``: at the end of the file.
        """
        size = self.size
        stop = size if upto is None else min(size, upto)
        data = os.pread(self._descriptor, max(0, min(most, stop - self.offset)), self.offset)
        final = not held and self.offset + len(data) >= size
        return list(_records(data, self.segment.producer, self.offset, final=final))

    def advance(self, record: Record) -> None:
        """Go on behind a record."""
        self.offset = record.offset + (len(record.data) if record.damaged else LENGTH.size + len(record.data))

    @property
    def size(self) -> int:
        """How many bytes it has now."""
        return os.fstat(self._descriptor).st_size

    @property
    def torn(self) -> int:
        """Bytes that are left. Where all records were read, they are no whole one."""
        return self.size - self.offset

    def remove(self) -> None:
        """Remove the file, of which everything was taken."""
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            pass

    def close(self) -> None:
        os.close(self._descriptor)


def _records(data: bytes, producer: bytes, base: int, *, final: bool) -> Iterator[Record]:
    at = 0
    while at < len(data):
        batch = _record_at(data, at)
        if batch is not None and frame.is_whole(batch):
            yield Record(base + at, batch)
            at += LENGTH.size + len(batch)
            continue
        # Behind a record that was cut off nothing follows, so what is not whole and is followed by one is damaged.
        following = _next_record(data, at + 1, producer)
        if following is None:
            if final and batch is not None:
                yield Record(base + at, data[at:], damaged=True)
            return
        yield Record(base + at, data[at:following], damaged=True)
        at = following


def _record_at(data: bytes, at: int) -> bytes | None:
    """The batch of the record that may begin there, if all of its bytes are there."""
    if at + LENGTH.size > len(data):
        return None
    (length,) = LENGTH.unpack_from(data, at)
    end = at + LENGTH.size + length
    if not _SHORTEST <= length <= _LONGEST or end > len(data):
        return None
    return data[at + LENGTH.size : end]


def _next_record(data: bytes, start: int, producer: bytes) -> int | None:
    """Where the next record of this producer begins.

    A job's arguments may look like a record. The producer's name, which is random, is known to none.
    """
    for at in range(start, len(data) - LENGTH.size - _SHORTEST):
        if data[at + LENGTH.size] in (frame.EVENTS, frame.BEAT):
            batch = _record_at(data, at)
            if batch is not None and producer_of(batch) == producer:
                return at
    return None


def identity_of(folder: str) -> str | None:
    """The same for all that see this folder, under whichever path, and another one for each other folder of any machine.

    ``None`` where there is none yet. Raises StreamRefused or StreamDown where it can't be looked at.
    """
    try:
        found = os.stat(folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refusal(folder, error) from None
    place = f"{_machine.name()}:{found.st_dev}:{found.st_ino}"
    return hashlib.blake2b(place.encode(), digest_size=8).hexdigest()


def segments(folder: str) -> dict[bytes, list[Segment]]:
    """The files in the folder by their producer, each producer's in the order in which they were written.

    Raises StreamRefused or StreamDown where it can't be read.
    """
    found: dict[bytes, list[Segment]] = {}
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return found
    except OSError as error:
        raise refusal(folder, error) from None
    for segment in sorted(filter(None, map(segment_named, names))):
        found.setdefault(segment.producer, []).append(segment)
    return found
