"""Rollups made anew out of the rows that are kept."""

from __future__ import annotations

from jobreporter_history._calendar import DAY, Table, ended_at, first_id, table_of
from jobreporter_history._engines.database import Connection, Database
from jobreporter_history._rollups import CELL, KEY, Cell, Key, keys
from jobreporter_history._schema import executions as schema

_COLUMNS = "id, series, outcome, final, will_retry, duration, queue_wait"


def repair(database: Database) -> tuple[int, int]:
    """Make the rollups of every day anew whose rows are all there. Returns how many days, and how many others there were.

    Of a day whose successes are kept and whose failures aren't, nobody knows any more.
    """
    with database.reading() as connection:
        tables = schema.existing(connection)
    names = {table.name for table in tables}
    repaired = skipped = 0
    for day in (table for table in tables if table.kind == "ok"):
        month = table_of("bad", day.begins)
        with database.writing() as connection:
            if month.name not in names and _failures(connection, day):
                skipped += 1
            else:
                _repair_day(connection, day, month if month.name in names else None)
                repaired += 1
    return repaired, skipped


def _failures(connection: Connection, day: Table) -> int:
    [(count,)] = connection.rows(
        f"SELECT coalesce(sum(failed), 0) FROM rollup WHERE res = {int(DAY)} AND t = ?", (day.begins,)
    )
    return int(count)


def _repair_day(connection: Connection, day: Table, month: Table | None) -> None:
    cells: dict[Key, Cell] = {}
    for table in filter(None, (day, month)):
        rows = connection.rows(
            f"SELECT {_COLUMNS} FROM {table.name} WHERE id >= ? AND id < ?", (first_id(day.begins), first_id(day.ends))
        )
        for number, series, outcome, final, will_retry, duration, wait in rows:
            for key in keys(series, ended_at(number)):
                cells.setdefault(key, Cell()).count(
                    outcome, final=bool(final), retried=will_retry == 1, duration=duration, wait=wait
                )
    connection.run("DELETE FROM rollup WHERE t >= ? AND t < ?", (day.begins, day.ends))
    columns = (*KEY, *CELL)
    connection.run_many(
        f"INSERT INTO rollup ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
        [(*key, *cells[key].to_row()) for key in sorted(cells)],
    )
