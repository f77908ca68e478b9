"""Executions by their ids, which every table has an index of."""

from __future__ import annotations

from jobreporter_history._engines.database import Connection, Row
from jobreporter_history._engines.trouble import Gone
from jobreporter_history._read.names import Names
from jobreporter_history._read.rows import SELECTED, detail, execution
from jobreporter_history._records.executions import Execution, ExecutionDetail
from jobreporter_history._rows.text import storable_key
from jobreporter_history._schema import executions as schema


def one(connection: Connection, names: Names, execution_id: str) -> ExecutionDetail | None:
    """One execution that has ended."""
    for row in _rows(connection, "execution_id", execution_id, 1):
        return detail(row, connection, names)
    return None


def attempts(connection: Connection, names: Names, job_id: str, limit: int) -> tuple[Execution, ...]:
    """The executions of a job, the oldest first; of more than ``limit``, the newest."""
    return _oldest_first(connection, names, _rows(connection, "job_id", job_id, limit))


def line(connection: Connection, names: Names, root_id: str, limit: int) -> tuple[Execution, ...]:
    """The executions of all jobs that one led to, itself included, the oldest first."""
    return _oldest_first(connection, names, _rows(connection, "root_id", root_id, limit))


def _rows(connection: Connection, column: str, value: str, limit: int) -> list[Row]:
    """The newest rows, from every table: their ids order them."""
    found: list[Row] = []
    for table in reversed(schema.existing(connection)):
        sql = f"SELECT {SELECTED} FROM {table.name} x WHERE x.{column} = ? ORDER BY x.id DESC LIMIT ?"
        try:
            found += connection.rows(sql, (storable_key(value), limit))
        except Gone:
            continue
    return sorted(found, key=lambda row: -int(row[0]))[:limit]


def _oldest_first(connection: Connection, names: Names, rows: list[Row]) -> tuple[Execution, ...]:
    return tuple(execution(row, connection, names) for row in reversed(rows))
