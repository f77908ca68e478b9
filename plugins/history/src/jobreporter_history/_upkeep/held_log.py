"""SQLite's log, where somebody who reads and doesn't end keeps it from being brought into the file: it grows without end.

No day that is given up makes room then. And once the disk has less room than the log takes, the log could not be brought in
any more, even after that reader: so nothing is written before it comes to that.
"""

from __future__ import annotations

import os

from jobreporter_history._engines.sqlite import SqliteDatabase
from jobreporter_history._engines.trouble import StoreError, Unavailable

#: Bytes: twice of what a log has when it is brought in.
LARGE = 16 * 1024 * 1024


def held(database: SqliteDatabase) -> int:
    """How large the log is, if it is large and can't be brought in; else 0."""
    try:
        large = os.stat(f"{database.path}-wal").st_size
        if large < LARGE:
            return 0
        with database.alone() as connection:
            [(_, frames, brought_in)] = connection.rows("PRAGMA wal_checkpoint(PASSIVE)")
    except (OSError, StoreError):
        return 0  # whoever writes will find out
    return large if brought_in < frames else 0


def check(database: SqliteDatabase) -> None:
    """Raises `Unavailable` if the log must not grow any more."""
    large = held(database)
    if not large:
        return
    room = os.statvfs(database.path.parent)
    if room.f_bavail * room.f_frsize < large:
        raise Unavailable(
            f"a program that reads {database.path} doesn't let go, so that its log has grown to {large // 1_000_000} MB"
            " and the disk has no room to bring it into the file"
        )
