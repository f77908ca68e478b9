"""What it takes to take a row out again."""

from __future__ import annotations

from typing import Any

from jobreporter_history._engines.database import Connection
from jobreporter_history._rows.data import decode
from jobreporter_history._rows.events import words
from jobreporter_history._rows.words import Words


def words_of_row(connection: Connection, row: dict[str, Any]) -> Words:
    """The words that the row was put into the index with."""
    data = decode(row["data"])
    if data.job is not None:
        name = data.job["name"]
    else:
        [(name,)] = connection.rows("SELECT name FROM series WHERE id = ?", (row["series"],))
    return words(name, data, row["message"])
