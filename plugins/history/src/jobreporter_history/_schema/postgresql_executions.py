"""Tables of finished executions in PostgreSQL: partitions, in which each row has its words with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jobreporter_history._calendar import Table
from jobreporter_history._engines.database import Connection
from jobreporter_history._rows.columns import COLUMNS
from jobreporter_history._rows.words import FIELDS, Phrase, Words
from jobreporter_history._schema.tables import EXECUTION_COLUMNS, indexes

_MARKS = ", ".join("?" * len(COLUMNS))
#: A field is told by the weight of its words.
_WEIGHTS = dict(zip(FIELDS, "ABCD", strict=True))
# Any number that nobody else is likely to take for a lock of theirs.
_LOCK = 0x6A6F_6273
# A text search vector has no position beyond.
_LAST_POSITION = 16_383


def create_parents(connection: Connection) -> None:
    """Make the tables whose partitions have the rows."""
    # A column of eight bytes begins at a multiple of eight, so a text before it costs some that are empty.
    ordered = sorted((*EXECUTION_COLUMNS, "words tsvector NOT NULL"), key=_width)
    columns = ", ".join(ordered).format(**connection.words._asdict())
    for parent in ("exec_ok", "exec_bad"):
        connection.run(f"CREATE TABLE {parent} ({columns}) PARTITION BY RANGE (id)")


def create(connection: Connection, table: Table) -> None:
    """Make the table, if it isn't there."""
    if _is_there(connection, table):
        return
    _alone(connection)
    if _is_there(connection, table):
        return
    connection.run(
        f"CREATE TABLE {table.name} PARTITION OF exec_{table.kind} FOR VALUES FROM ({table.lowest}) TO ({table.beyond})"
    )
    for statement in indexes(table.name, table.kind):
        connection.run(statement)
    connection.run(f"CREATE INDEX {table.text} ON {table.name} USING gin (words)")


def put(connection: Connection, table: Table, rows: Sequence[tuple[tuple[Any, ...], Words]]) -> None:
    """Add rows, each with its words. Raises `Clash` if an id is taken."""
    connection.run_many(
        f"INSERT INTO {table.name} ({', '.join(COLUMNS)}, words) VALUES ({_MARKS}, ?::tsvector)",
        ((*row, vector(words)) for row, words in rows),
    )


def remove(connection: Connection, table: Table, id: int, _words: Words) -> None:
    """Take one row out again."""
    connection.run(f"DELETE FROM {table.name} WHERE id = ?", (id,))


def drop(connection: Connection, table: Table) -> None:
    """Take the table away with all its rows."""
    _alone(connection)
    connection.run(f"DROP TABLE IF EXISTS {table.name}")


def source(table: Table, phrases: Sequence[Phrase]) -> tuple[str, str, list[Any]]:
    """What to select from for rows that have all of these phrases: the FROM, a condition, its parameters.

    The rows are called ``x`` in it.
    """
    if not phrases:
        return f"{table.name} x", "", []
    return f"{table.name} x", "x.words @@ ?::tsquery", [" & ".join(map(_query, phrases))]


def order(_phrases: Sequence[Phrase]) -> str:
    """The column to order and to bound by."""
    return "x.id"


def lacks(_table: Table, phrase: Phrase, _span: tuple[int, int]) -> tuple[str, list[Any]]:
    """The condition that a row doesn't have the phrase, with its parameters."""
    return "NOT x.words @@ ?::tsquery", [_query(phrase)]


def _width(column: str) -> int:
    """How wide a column is by its words: the widest of a fixed width come first, texts last."""
    _, kind, *_ = column.split()
    order = ("{key}", "{real}", "{integer}", "{small}")
    return order.index(kind) if kind in order else len(order)


def _is_there(connection: Connection, table: Table) -> bool:
    # A look into the catalogue itself: what the server remembers of a name may be older than what others have done.
    sql = "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tablename = ?"
    return connection.row(sql, (table.name,)) is not None


def _alone(connection: Connection) -> None:
    """Until the transaction ends, nobody else makes tables or takes them away."""
    connection.run("SELECT pg_advisory_xact_lock(?)", (_LOCK,))


def vector(words: Words) -> str:
    """The words as a text search vector, which takes them as they are: no parser of the server's sees them."""
    lexemes: dict[str, list[str]] = {}
    position = 1
    for field, found in zip(FIELDS, words, strict=True):
        for word in found:
            lexemes.setdefault(word, []).append(f"{min(position, _LAST_POSITION)}{_WEIGHTS[field]}")
            position += 1
        position += 1  # no phrase goes on from one field into the next
    return " ".join(f"'{word}':{','.join(places)}" for word, places in lexemes.items())


def _query(phrase: Phrase) -> str:
    weight = _WEIGHTS[phrase.field] if phrase.field else ""
    *first, last = phrase.words
    mark = ("*" if phrase.prefix else "") + weight
    words = [f"'{word}'" + (f":{weight}" if weight else "") for word in first]
    return "(" + " <-> ".join([*words, f"'{last}'" + (f":{mark}" if mark else "")]) + ")"
