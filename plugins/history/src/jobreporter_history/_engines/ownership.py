"""Whether an SQLite file is a history at all: another program's is neither written to nor put aside."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from jobreporter_history._engines.file_lock import is_marked
from jobreporter_history._engines.sqlite_errors import meaning
from jobreporter_history._engines.trouble import Damaged, Refused

#: What a history's file says that it is, in SQLite's own header: "jobh".
APPLICATION = 0x6A6F6268


def check_owner(connection: sqlite3.Connection, path: Path) -> None:
    """Raises `Refused` unless the file is a history, or empty."""
    try:
        [(application,)] = connection.execute("PRAGMA application_id").fetchall()
        [(tables,)] = connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
    except sqlite3.DatabaseError as error:
        if isinstance(meaning(error, path), Damaged) and not is_marked(path):
            raise Refused(f"{path} is something else than a history: SQLite can't read it ({error})") from error
        raise
    if tables and application != APPLICATION:
        raise Refused(f"{path} is another program's SQLite file: the history needs one of its own")
