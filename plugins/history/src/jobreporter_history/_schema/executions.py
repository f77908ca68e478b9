"""The tables of finished executions, whatever the dialect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from jobreporter_history._calendar import Table, table_named
from jobreporter_history._engines.database import Connection
from jobreporter_history._engines.sqlite import SqliteConnection
from jobreporter_history._rows.words import Phrase, Words
from jobreporter_history._schema import postgresql_executions, sqlite_executions

#: Ids, from the first and before the second.
Span = tuple[int, int]


class Executions(Protocol):
    """What a dialect's module can do; its functions say what they do."""

    def create_parents(self, connection: Connection) -> None: ...
    def create(self, connection: Connection, table: Table) -> None: ...
    def put(self, connection: Connection, table: Table, rows: Sequence[tuple[tuple[Any, ...], Words]]) -> None: ...
    def remove(self, connection: Connection, table: Table, id: int, words: Words, /) -> None: ...
    def drop(self, connection: Connection, table: Table) -> None: ...
    def source(self, table: Table, phrases: Sequence[Phrase]) -> tuple[str, str, list[Any]]: ...
    def order(self, phrases: Sequence[Phrase], /) -> str: ...
    def lacks(self, table: Table, phrase: Phrase, span: Span, /) -> tuple[str, list[Any]]: ...


def of(connection: Connection) -> Executions:
    """What speaks the connection's dialect."""
    return sqlite_executions if isinstance(connection, SqliteConnection) else postgresql_executions


def existing(connection: Connection) -> list[Table]:
    """The tables that there are, the oldest first."""
    found = [table_named(name) for (name,) in connection.rows("SELECT name FROM days")]
    return sorted(found, key=lambda table: (table.begins, table.kind))


def ensure(connection: Connection, table: Table) -> None:
    """Make the table, and note that it is there."""
    of(connection).create(connection, table)
    connection.run("INSERT INTO days (name) VALUES (?) ON CONFLICT DO NOTHING", (table.name,))


def drop(connection: Connection, table: Table) -> None:
    """Take the table away, and note that."""
    of(connection).drop(connection, table)
    connection.run("DELETE FROM days WHERE name = ?", (table.name,))
