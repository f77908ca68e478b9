"""Every execution, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge

from jobreporter_history._calendar import Table, first_id
from jobreporter_history._engines.database import Connection, Row
from jobreporter_history._engines.trouble import Gone
from jobreporter_history._read.names import Names
from jobreporter_history._read.rows import SELECTED, detail
from jobreporter_history._records.executions import ExecutionDetail
from jobreporter_history._schema import executions as schema

_ROWS = 200


def every(connection: Connection, names: Names, since: float, until: float) -> Iterator[ExecutionDetail]:
    """The executions that ended within the range, the oldest first."""
    tables = [table for table in schema.existing(connection) if table.ends > since and table.begins < until]
    for row in merge(*(_rows(connection, table, since, until) for table in tables), key=lambda row: row[0]):
        yield detail(row, connection, names)


def _rows(connection: Connection, table: Table, since: float, until: float) -> Iterator[Row]:
    sql = f"SELECT {SELECTED} FROM {table.name} x WHERE x.id >= ? AND x.id < ? ORDER BY x.id LIMIT {_ROWS}"
    position, beyond = first_id(since), first_id(until)
    while True:
        try:
            rows = connection.rows(sql, (position, beyond))
        except Gone:
            return
        yield from rows
        if len(rows) < _ROWS:
            return
        position = rows[-1][0] + 1
