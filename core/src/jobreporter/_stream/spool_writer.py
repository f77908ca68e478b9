"""A producer's own files in a spool: each record is there as a whole or not at all, and a lock says that it lives.

A record is ``[u32 length][batch]``, appended in one write. The files are segments of about a mebibyte, so that an agent
can remove what it has taken. A segment gets its name only when it is locked, and a new one is locked before the old one
is let go: a producer that lives holds a lock on at least one of its files at any time.

The locks are POSIX locks, which belong to a process: a forked child doesn't hold its parent's, though it has inherited
the file. They are lost when the process closes *any* descriptor of the file, so nobody here opens it a second time.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections import deque

from jobreporter._stream.spool_folder import Segment, prepare, refusal
from jobreporter._system import fork_and_exit
from jobreporter.streams._files import has_less_than, share
from jobreporter.streams.errors import StreamError, StreamFull

#: Bytes after which a segment gets a successor.
SEGMENT = 1024 * 1024
LENGTH = struct.Struct(">I")

# Bytes of the disk that are left free: an agent needs room to take in what is here, and to remove what was settled. Were there
# none, nothing of ours could ever make some.
_LEFT_FREE = 64 * 1024 * 1024

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class SpoolWriter:
    """Appends the records of one producer to files in ``folder``. For one thread, and for the process that made it.

    max_bytes: how much may wait there for an agent. sync: whether what was appended outlives a power cut. after: the last
    segment that an earlier writer of the producer's has begun.
    """

    def __init__(self, folder: str, producer: bytes, *, max_bytes: int, sync: bool = False, after: int = 0) -> None:
        self._folder = folder
        self._producer = producer
        self._max_bytes = max_bytes
        self._sync = sync
        self._descriptor: int | None = None
        self._file = (0, 0)
        #: Of the last segment that was begun.
        self.number = after
        #: Name and size of each segment that may still be there, oldest first. The last one is being written.
        self._segments: deque[tuple[str, int]] = deque()
        fork_and_exit.register(self)

    def append(self, batch: bytes) -> None:
        """Append a record. It is in the spool when this returns, and not in part if this raises.

        Raises StreamFull where the bound, or the disk, leaves no room; StreamDown or StreamRefused where the folder
        can't be written to.
        """
        record = LENGTH.pack(len(batch)) + batch
        if self._descriptor is not None and self._is_gone():
            self.close()
            self._pass_over_what_is_gone()
        self._make_room(len(record))
        if self._descriptor is None or self._segments[-1][1] >= SEGMENT:
            self._begin_segment()
        self._write(record)
        if self._sync:
            self._make_durable()

    def close(self) -> None:
        """Let go of the file: from here on an agent takes the producer for dead."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def forking(self) -> None:
        """Nothing is to be brought to rest: only the lane's thread writes."""

    def at_rest(self) -> bool:
        """It has no thread of its own."""
        return True

    def forked(self) -> object:
        """In a child: the file is the parent's. To close it takes no lock away from the parent."""
        self.close()
        return None

    def exiting(self) -> None:
        """The process ends, and its lock with it."""

    def _make_room(self, size: int) -> None:
        if self._held + size > self._max_bytes:
            self._pass_over_what_is_gone()
        if (held := self._held) + size > self._max_bytes:
            raise StreamFull(f"{held} bytes of this process wait in the spool {self._folder!r} for an agent")

    def _pass_over_what_is_gone(self) -> None:
        """An agent has taken it, or somebody has removed or moved it."""
        self._segments = deque(each for each in self._segments if os.path.lexists(self._path(each[0])))

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name)

    @property
    def _held(self) -> int:
        return sum(size for _name, size in self._segments)

    def _begin_segment(self) -> None:
        if not self._segments:
            prepare(self._folder)
        self._refuse_last_room()
        segment = Segment(self._producer, self.number + 1)
        path = self._path(segment.name)
        hidden = f"{path}.new"  # no agent looks at it until it is locked
        try:
            descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                self._claim(descriptor)
                os.rename(hidden, path)
                if self._sync:
                    self._sync_folder()
            except OSError:
                os.unlink(hidden)
                os.close(descriptor)
                raise
        except OSError as error:
            raise self._told(error) from None
        self.close()
        made = os.fstat(descriptor)
        self._descriptor, self.number = descriptor, segment.number
        self._file = (made.st_dev, made.st_ino)
        self._segments.append((segment.name, 0))

    def _refuse_last_room(self) -> None:
        try:
            lacks_room = has_less_than(_LEFT_FREE, self._folder)
        except OSError as error:
            raise self._told(error) from None
        if lacks_room:
            raise StreamFull(f"the spool {self._folder!r}: the disk is nearly full, and agents need the rest")

    def _claim(self, descriptor: int) -> None:
        share(descriptor, self._folder)
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _is_gone(self) -> bool:
        """Whether somebody has removed the file that is being written, or moved it, or a folder around it.

        What goes into it reaches nobody.
        """
        try:
            found = os.stat(self._path(self._segments[-1][0]))
        except OSError:
            return True
        return (found.st_dev, found.st_ino) != self._file

    def _write(self, record: bytes) -> None:
        assert self._descriptor is not None  # noqa: S101 - a segment was begun
        name, size = self._segments[-1]
        try:
            written = os.write(self._descriptor, record)
            if written != len(record):
                raise OSError(errno.ENOSPC, "no room for a whole record")  # noqa: TRY301 - both end in the same way
        except OSError as error:
            self._take_back(size)
            raise self._told(error) from None
        self._segments[-1] = (name, size + written)

    def _make_durable(self) -> None:
        """Where that fails, the record may have been read all the same, so it stays; repeated, it is known by its number."""
        assert self._descriptor is not None  # noqa: S101 - it was just written to
        try:
            os.fdatasync(self._descriptor)
        except OSError as error:
            self.close()
            raise self._told(error) from None

    def _take_back(self, size: int) -> None:
        """Remove what there is of a record. Where even that fails, the segment ends here, with a torn tail."""
        assert self._descriptor is not None  # noqa: S101 - it was just written to
        try:
            os.ftruncate(self._descriptor, size)
        except OSError:
            self.close()

    def _told(self, error: OSError) -> StreamError:
        if error.errno in _NO_ROOM:
            return StreamFull(f"the spool {self._folder!r}: {error.strerror}")
        return refusal(self._folder, error)

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
