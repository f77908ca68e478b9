"""Executions by their ids, which every table has an index of."""

from __future__ import annotations

from jobreporter_history._engines.database import Connection, Row
from jobreporter_history._engines.trouble import Gone
from jobreporter_history._read.names import Names
from jobreporter_history._read.rows import SELECTED, detail, execution
from jobreporter_history._read.whose import Whose
from jobreporter_history._records.executions import Execution, ExecutionDetail
from jobreporter_history._rows.text import storable_key
from jobreporter_history._schema import executions as schema


def one(connection: Connection, names: Names, execution_id: str) -> ExecutionDetail | None:
    """One execution that has ended."""
    for row in _rows(connection, "execution_id", execution_id, "", 1):
        return detail(row, connection, names)
    return None


def attempts(connection: Connection, names: Names, job_id: str, whose: Whose, limit: int) -> tuple[Execution, ...]:
    """The executions of a job, the oldest first; of more than ``limit``, the newest."""
    return _of(connection, names, "job_id", job_id, whose=whose, limit=limit)


def line(connection: Connection, names: Names, root_id: str, whose: Whose, limit: int) -> tuple[Execution, ...]:
    """The executions of all jobs that one led to, itself included, the oldest first."""
    return _of(connection, names, "root_id", root_id, whose=whose, limit=limit)


def _of(
    connection: Connection, names: Names, column: str, value: str, *, whose: Whose, limit: int
) -> tuple[Execution, ...]:
    rows = _rows(connection, column, value, whose.condition(connection, names), limit)
    return tuple(whose.among(execution(row, connection, names) for row in reversed(rows)))


def _rows(connection: Connection, column: str, value: str, condition: str, limit: int) -> list[Row]:
    """The newest rows, from every table: their ids order them."""
    found: list[Row] = []
    for table in reversed(schema.existing(connection)):
        sql = f"SELECT {SELECTED} FROM {table.name} x WHERE x.{column} = ?{condition} ORDER BY x.id DESC LIMIT ?"
        try:
            found += connection.rows(sql, (storable_key(value), limit))
        except Gone:
            continue
    return sorted(found, key=lambda row: -int(row[0]))[:limit]
