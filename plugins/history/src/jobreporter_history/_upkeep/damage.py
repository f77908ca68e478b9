"""A damaged file is put aside, and a new one begun: by whichever process is the first to see it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from jobreporter_history._engines.file_lock import locked
from jobreporter_history._engines.sqlite import SqliteDatabase
from jobreporter_history._engines.sqlite_handle import identity

_BESIDE = ("-wal", "-shm")


def put_aside(database: SqliteDatabase, problem: str, now: float) -> Path | None:
    """Rename the file and begin a new one. Returns where it is now; ``None`` if another process has done that already.

    problem: what was found, for the record.
    """
    seen = database.file
    database.close()
    path = database.path
    with locked(path):
        if seen is None or identity(path) != seen:
            return None
        aside = _free_name(path, now)
        # The log first: a new file beside an old log would be taken for the file that it belongs to.
        for suffix in _BESIDE:
            with suppress(FileNotFoundError):
                os.rename(f"{path}{suffix}", f"{aside}{suffix}")
        os.rename(path, aside)
    with database.writing() as connection:
        connection.run("INSERT INTO damage (at, path, problem) VALUES (?, ?, ?)", (now, str(aside), problem))
    return aside


def _free_name(path: Path, now: float) -> Path:
    name = f"{path}.damaged-{int(now)}"
    count = 1
    while os.path.exists(name):
        count += 1
        name = f"{path}.damaged-{int(now)}-{count}"
    return Path(name)
