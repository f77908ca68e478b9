"""Room on a full disk, for a history in SQLite: the oldest day goes.

The file never shrinks: what a day leaves behind is used again. To take a day away needs room as well, for the log; a
ballast file lies ready for that, and goes first.
"""

from __future__ import annotations

import os
from contextlib import suppress

from jobreporter_history._calendar import Table
from jobreporter_history._engines.sqlite import SqliteDatabase
from jobreporter_history._engines.trouble import StoreError
from jobreporter_history._schema import size
from jobreporter_history._upkeep.retention import drop, oldest

#: Bytes: of the log between two checkpoints, and some more.
BALLAST = 10 * 1024 * 1024

# Bytes: of a batch and its words.
_RESERVE = 4 * 1024 * 1024
# Written out, since a file with a hole in it would free nothing.
_BLOCK = bytes(1024 * 1024)


def is_short(database: SqliteDatabase) -> bool:
    """Whether the next batches may be the last ones that fit: neither the disk nor the file has much room."""
    try:
        if _free(database) >= _RESERVE:
            return False
        with database.reading() as connection:
            return size.free_inside(connection) < _RESERVE
    except (OSError, StoreError):
        return False  # whoever writes will find out


def make_room(database: SqliteDatabase, now: float) -> Table | None:
    """Take the oldest day away. Returns it; ``None`` if there is none but today, or if even that can't be done."""
    try:
        with database.reading() as connection:
            table = oldest(connection, now)
        if table is None:
            return None
        with suppress(OSError):
            os.unlink(_ballast(database))
        try:
            drop(database, table)
        except StoreError:
            _checkpoint(database, "TRUNCATE")  # what the log takes may be enough
            drop(database, table)
        # The log keeps its room on the disk: nobody else can have it.
        _checkpoint(database, "RESTART")
        take_ballast(database)
    except (OSError, StoreError):
        return None
    return table


def take_ballast(database: SqliteDatabase) -> None:
    """Have the ballast ready, where there is room for it. Raises OSError."""
    path = _ballast(database)
    if os.path.exists(path) or _free(database) < BALLAST + len(_BLOCK):
        return
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        for _ in range(0, BALLAST, len(_BLOCK)):
            os.write(descriptor, _BLOCK)
    except OSError:
        os.unlink(path)
        raise
    finally:
        os.close(descriptor)


def _free(database: SqliteDatabase) -> int:
    room = os.statvfs(database.path.parent)
    return room.f_bavail * room.f_frsize


def _ballast(database: SqliteDatabase) -> str:
    return f"{database.path}.ballast"


def _checkpoint(database: SqliteDatabase, kind: str) -> None:
    """Bring what is in the log into the file, where it takes the room of what was taken away."""
    with suppress(StoreError), database.alone() as connection:
        connection.rows(f"PRAGMA wal_checkpoint({kind})")
