"""Tables of finished executions in SQLite: a table of rows each, and an index of their words beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jobreporter_history._calendar import Table
from jobreporter_history._engines.database import Connection
from jobreporter_history._rows.columns import COLUMNS
from jobreporter_history._rows.words import FIELDS, Phrase, Words
from jobreporter_history._schema.tables import EXECUTION_COLUMNS, indexes

_MARKS = ", ".join("?" * len(COLUMNS))
_FIELDS = ", ".join(FIELDS)


def create_parents(connection: Connection) -> None:
    """SQLite has no partitions: the tables stand for themselves."""


def create(connection: Connection, table: Table) -> None:
    """Make the table, if it isn't there."""
    if connection.row("SELECT 1 FROM sqlite_master WHERE name = ?", (table.name,)) is not None:
        return
    columns = ", ".join(EXECUTION_COLUMNS).format(**connection.words._asdict())
    connection.run(f"CREATE TABLE {table.name} ({columns})")
    for statement in indexes(table.name, table.kind):
        connection.run(statement)
    # The row has the text already, so the index keeps none; and nothing ranks by length.
    connection.run(
        f"CREATE VIRTUAL TABLE {table.text} USING fts5({_FIELDS}, content='', columnsize=0, tokenize='unicode61')"
    )


def put(connection: Connection, table: Table, rows: Sequence[tuple[tuple[Any, ...], Words]]) -> None:
    """Add rows, each with its words. Raises `Clash` if an id is taken."""
    connection.run_many(
        f"INSERT INTO {table.name} ({', '.join(COLUMNS)}) VALUES ({_MARKS})",
        (row for row, _ in rows),
    )
    connection.run_many(
        f"INSERT INTO {table.text} (rowid, {_FIELDS}) VALUES (?, ?, ?, ?, ?)",
        ((row[0], *map(" ".join, words)) for row, words in rows),
    )


def remove(connection: Connection, table: Table, id: int, words: Words) -> None:
    """Take one row out again. An index that keeps no text has to be told what to forget."""
    connection.run(f"DELETE FROM {table.name} WHERE id = ?", (id,))
    connection.run(
        f"INSERT INTO {table.text} ({table.text}, rowid, {_FIELDS}) VALUES ('delete', ?, ?, ?, ?, ?)",
        (id, *map(" ".join, words)),
    )


def drop(connection: Connection, table: Table) -> None:
    """Take the table away with all its rows."""
    connection.run(f"DROP TABLE IF EXISTS {table.text}")
    connection.run(f"DROP TABLE IF EXISTS {table.name}")


def source(table: Table, phrases: Sequence[Phrase]) -> tuple[str, str, list[Any]]:
    """What to select from for rows that have all of these phrases: the FROM, a condition, its parameters.

    The rows are called ``x`` in it.
    """
    if not phrases:
        return f"{table.name} x", "", []
    match = " AND ".join(map(_match, phrases))
    joined = f"{table.text} f CROSS JOIN {table.name} x ON x.id = f.rowid"
    return joined, f"{table.text} MATCH ?", [match]


def order(phrases: Sequence[Phrase]) -> str:
    """The column to order and to bound by, which is the quickest for that source."""
    return "f.rowid" if phrases else "x.id"


def lacks(table: Table, phrase: Phrase, span: tuple[int, int]) -> tuple[str, list[Any]]:
    """The condition that a row of a span of ids doesn't have the phrase, with its parameters."""
    return (
        f"x.id NOT IN (SELECT rowid FROM {table.text} WHERE {table.text} MATCH ? AND rowid >= ? AND rowid < ?)",
        [_match(phrase), *span],
    )


def _match(phrase: Phrase) -> str:
    # Words have letters and digits alone, so nothing in them needs to be quoted.
    found = '"' + " ".join(phrase.words) + '"' + ("*" if phrase.prefix else "")
    return f"{phrase.field} : {found}" if phrase.field else found
