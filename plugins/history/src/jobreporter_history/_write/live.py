"""Executions that have started and not ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from jobreporter_history._engines.database import Connection, Row
from jobreporter_history._engines.sqlite import SqliteConnection
from jobreporter_history._rows.columns import LIVE
from jobreporter_history._rows.events import Begun
from jobreporter_history._write.batch import Batch

_FACTS = LIVE.index("started_at")
_NAMES = ", ".join(LIVE)


class Live(NamedTuple):
    """The start of an execution, as it is stored."""

    at: float
    facts: Row

    @property
    def order(self) -> Row:
        """As that of `Begun`."""
        return (self.at, repr(self.facts))


def take(connection: Connection, ids: Sequence[str]) -> dict[str, Live]:
    """Those of the executions that run. No other writer can tell of any of these until the transaction ends."""
    found = _select(connection, ids) if isinstance(connection, SqliteConnection) else _lock(connection, ids)
    return {row[0]: Live(row[_FACTS], tuple(row[_FACTS + 1 :])) for row in found}


def put(connection: Connection, rows: Sequence[Row]) -> None:
    """Add executions, or replace what is known of them."""
    changes = ", ".join(f"{name} = excluded.{name}" for name in LIVE[1:])
    connection.run_many(
        f"INSERT INTO live ({_NAMES}) VALUES ({', '.join('?' * len(LIVE))})"
        f" ON CONFLICT (execution_id) DO UPDATE SET {changes}",
        rows,
    )


def remove(connection: Connection, ids: Sequence[str]) -> None:
    """Take executions away that have ended."""
    if ids:
        connection.run(f"DELETE FROM live WHERE {connection.any_of('execution_id')}", (connection.array(ids),))


def release(connection: Connection, batch: Batch, ended: Iterable[str], starting: Iterable[Begun]) -> None:
    """Take away what `take` made for executions that neither run nor have ended."""
    if isinstance(connection, SqliteConnection):
        return
    kept = {*ended, *(begun.execution_id for begun in starting)}
    left = [execution_id for execution_id, _ in batch if execution_id not in kept]
    if left:
        condition = connection.any_of("execution_id")
        connection.run(f"DELETE FROM live WHERE {condition} AND series = 0", (connection.array(left),))


def _select(connection: Connection, ids: Sequence[str]) -> list[Row]:
    """SQLite has one writer at a time."""
    return connection.rows(
        f"SELECT {_NAMES} FROM live WHERE {connection.any_of('execution_id')}", (connection.array(ids),)
    )


def _lock(connection: Connection, ids: Sequence[str]) -> list[Row]:
    """In PostgreSQL the rows are the locks, in the order of the ids: those that run, and one made for each other.

    Who made the same row first is waited for, and what that transaction wrote is seen from then on.
    """
    found = connection.rows(
        "INSERT INTO live (execution_id, series, started_at, job_id, attempt, data)"
        " SELECT each, 0, 0, '', 0, '' FROM unnest(?::text[]) AS each"
        f" ON CONFLICT (execution_id) DO UPDATE SET series = live.series RETURNING {_NAMES}",
        (connection.array(ids),),
    )
    series = LIVE.index("series")
    return [row for row in found if row[series] != 0]
