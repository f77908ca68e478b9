"""What SQLite's errors mean for the history."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jobreporter_history._engines.trouble import (
    Clash,
    Damaged,
    DiskFull,
    Gone,
    OutOfTime,
    Refused,
    StoreError,
    Unavailable,
)

# Bytes. Where they can't be written, an input or output error is taken for what it comes from: SQLite reports a disk
# without room for the shared memory of its log, and a quota that is used up, as nothing but that.
_NO_ROOM = 256 * 1024
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_PRIMARY = 0xFF


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise what SQLite or the system raises in the block as what is to be done about it."""
    try:
        yield
    except sqlite3.Error as error:
        raise meaning(error, path) from error
    except OSError as error:
        raise _meaning_of_system_error(error, path) from error


def meaning(error: sqlite3.Error, path: Path) -> StoreError | sqlite3.Error:
    """The error as what is to be done about it; itself where it is a mistake in a statement."""
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    # "Locking protocol": many began to read or write a log in the same moment.
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}:
        return Unavailable(f"{path} is locked by another process")
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _free(path) < _NO_ROOM):
        return DiskFull(f"the disk of {path} is full")
    if code == sqlite3.SQLITE_IOERR and (told := _used_up(path)) is not None:
        return DiskFull(f"the disk of {path} takes no more from this user: {told}")
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return Damaged(f"{path} is damaged: {error}")
    if code == sqlite3.SQLITE_INTERRUPT:
        return OutOfTime("the search took too long")
    if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM} or path.is_dir():
        return Refused(f"{path} can't be used: {_why_not(path, error)}")
    if code == sqlite3.SQLITE_IOERR:
        return Unavailable(f"{path} can't be read or written: {error}")
    if code == sqlite3.SQLITE_CONSTRAINT:
        return Clash(f"{path}: {error}")
    if code == sqlite3.SQLITE_ERROR and str(error).startswith("no such table"):
        return Gone(str(error))
    return error


def _meaning_of_system_error(error: OSError, path: Path) -> StoreError:
    """The same of what happened to a file beside it."""
    if error.errno in _FULL:
        return DiskFull(f"the disk of {path} is full")
    told = f"{path} can't be used: {error.strerror or error}"
    if isinstance(error, PermissionError | FileNotFoundError | NotADirectoryError) or error.errno == errno.EROFS:
        return Refused(told)
    return Unavailable(told)


def _free(path: Path) -> int:
    with suppress(OSError):
        room = os.statvfs(path.parent)
        return room.f_bavail * room.f_frsize
    return _NO_ROOM


def _used_up(path: Path) -> str | None:
    """What the system says where it takes no more, though the disk has room."""
    import tempfile  # it takes milliseconds, and mostly nobody needs it

    try:
        with tempfile.TemporaryFile(dir=path.parent, buffering=0) as probe:
            while probe.tell() < _NO_ROOM:
                probe.write(bytes(_NO_ROOM - probe.tell()))
    except OSError as error:
        return error.strerror if error.errno in _FULL else None
    return None


def _why_not(path: Path, error: sqlite3.Error) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder {folder}"
    if path.is_dir():
        return "it is a folder"
    if not path.exists() and os.access(folder, os.W_OK):
        return "there is no such file"
    if not os.access(folder, os.W_OK):
        return f"this user may not write into {folder}"
    if not os.access(path, os.W_OK):
        return "this user may not write to it"
    return str(error)
