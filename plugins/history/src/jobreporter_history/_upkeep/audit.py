"""Whether a history is in order: the file as SQLite sees it, and the rollups as its rows add up."""

from __future__ import annotations

from collections.abc import Iterator

from jobreporter_history._calendar import DAY, Table
from jobreporter_history._engines.database import Connection
from jobreporter_history._engines.sqlite import SqliteConnection
from jobreporter_history._engines.trouble import StoreError
from jobreporter_history._schema import executions as schema

#: What a rollup counts of each kind of table, and how the rows say it.
_COUNTED = {
    "ok": {"ok": "outcome = 'success'", "aborted": "outcome = 'aborted'"},
    "bad": {"failed": "outcome = 'failure'", "final": "final = 1"},
}
_MOST = 20


def audit(connection: Connection) -> list[str]:
    """What is wrong, in sentences; nothing if all is in order. Nobody can write in between what it compares."""
    found: list[str] = []
    if isinstance(connection, SqliteConnection):
        found += [f"SQLite finds: {line}" for (line,) in connection.rows("PRAGMA integrity_check") if line != "ok"]
    connection.run("BEGIN" if isinstance(connection, SqliteConnection) else "BEGIN ISOLATION LEVEL REPEATABLE READ")
    try:
        for table in schema.existing(connection):
            found += _differences(connection, table)
    except StoreError as error:
        found.append(str(error))
    finally:
        connection.run("ROLLBACK")
    return found


def _differences(connection: Connection, table: Table) -> Iterator[str]:
    counted = _COUNTED[table.kind]
    integer = connection.words.integer
    sums = ", ".join(f"CAST(coalesce(sum({name}), 0) AS {integer})" for name in counted)
    rows = ", ".join(
        f"CAST(coalesce(sum(CASE WHEN {condition} THEN 1 ELSE 0 END), 0) AS {integer})"
        for condition in counted.values()
    )
    [stored] = connection.rows(
        f"SELECT {sums} FROM rollup WHERE res = {int(DAY)} AND t >= ? AND t < ?", (table.begins, table.ends)
    )
    [actual] = connection.rows(f"SELECT {rows} FROM {table.name}")
    for name, said, is_so in zip(counted, stored, actual, strict=True):
        if said != is_so:
            yield f"{table.name} has {is_so} rows that are {name!r}, and the rollups say {said}"
