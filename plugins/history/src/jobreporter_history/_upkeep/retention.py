"""What is too old goes: tables of executions as a whole, the small rest in statements of a few hundred rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from jobreporter_history._calendar import DAY, Table, table_of
from jobreporter_history._engines.database import Connection, Database
from jobreporter_history._engines.sqlite import SqliteDatabase
from jobreporter_history._engines.trouble import DiskFull
from jobreporter_history._rollups import RESOLUTIONS
from jobreporter_history._schema import executions as schema
from jobreporter_history._schema import size
from jobreporter_history._upkeep import held_log
from jobreporter_history._upkeep.samples import keep_samples
from jobreporter_history._write.dictionary import month_of

#: Rows that one statement takes away, and statements in one go for one table.
_ROWS = 500
_STATEMENTS = 40
#: Seconds for which cells of failures are kept, and what is known of a process that is silent.
_CELLS = 90 * DAY
_PROCESSES = DAY


class Keep(NamedTuple):
    """For how long things are kept, in seconds, and how much room they may take, in bytes."""

    success: float = 7 * DAY
    failure: float = 90 * DAY
    incident: float = 365 * DAY
    max_bytes: int | None = None
    #: What is to stay free on the disk; SQLite alone knows of it.
    min_free: int | None = None


def prune(database: Database, keep: Keep, now: float) -> list[str]:
    """Take away what is due. Returns the tables that went."""
    gone = []
    with database.reading() as connection:
        tables = schema.existing(connection)
    for table in tables:
        if table.ends <= now - (keep.success if table.kind == "ok" else keep.failure):
            drop(database, table)
            gone.append(table.name)
    while (first := _in_the_way(database, keep, now)) is not None:
        drop(database, first)
        gone.append(first.name)
    for step in _steps(keep, now):
        _in_parts(database, *step)
    _forget_incidents(database, now - keep.incident)
    return gone


def drop(database: Database, table: Table) -> None:
    """Take one table away, and keep what has to outlive it."""
    if table.kind == "bad":
        with suppress(DiskFull), database.writing() as connection:
            keep_samples(connection, table)
    with database.writing() as connection:
        schema.drop(connection, table)


def oldest(connection: Connection, now: float) -> Table | None:
    """The table that goes first where there is no room: the oldest day, then the oldest month; never the current ones."""
    for kind in ("ok", "bad"):
        current = table_of("ok" if kind == "ok" else "bad", now)
        for table in schema.existing(connection):
            if table.kind == kind and table.begins < current.begins:
                return table
    return None


def _in_the_way(database: Database, keep: Keep, now: float) -> Table | None:
    with database.reading() as connection:
        crowded = keep.max_bytes is not None and size.used(connection) > keep.max_bytes
        if not crowded and keep.min_free is not None and isinstance(database, SqliteDatabase):
            crowded = _free(database, connection) < keep.min_free and not held_log.held(database)
        return oldest(connection, now) if crowded else None


def _free(database: SqliteDatabase, connection: Connection) -> int:
    """Bytes that can still be written: what is free on the disk, and in the file."""
    room = os.statvfs(database.path.parent)
    return room.f_bavail * room.f_frsize + size.free_inside(connection)


def _steps(keep: Keep, now: float) -> Iterator[tuple[str, str, str, tuple[object, ...]]]:
    """Table, its key, what is too old, and the parameters of that."""
    for res, seconds in RESOLUTIONS.items():
        if seconds is not None:
            yield "rollup", "res, t, series", "res = ? AND t < ?", (res, now - seconds)
    yield "live", "execution_id", "started_at < ?", (now - max(keep.failure, keep.success),)
    yield "process", "host, pid", "seen_at < ?", (now - _PROCESSES,)
    yield "incident_cell", "incident, t", "t < ?", (now - _CELLS,)
    yield "error", "hash", "used < ?", (month_of(now - keep.failure),)
    yield "damage", "at", "at < ?", (now - keep.failure,)


def _in_parts(database: Database, table: str, key: str, condition: str, parameters: tuple[object, ...]) -> None:
    sql = f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {condition} LIMIT {_ROWS})"
    with database.reading() as connection:
        if connection.row(f"SELECT 1 FROM {table} WHERE {condition} LIMIT 1", parameters) is None:
            return
    for _ in range(_STATEMENTS):
        with database.writing() as connection:
            if connection.run(sql, parameters) < _ROWS:
                return


def _forget_incidents(database: Database, before: float) -> None:
    """Incidents that nobody has seen for so long, with all that belongs to them. One that is open stays."""
    with database.reading() as connection:
        rows = connection.rows(
            f"SELECT id FROM incident WHERE last_fail < ? AND state IN ('pending', 'resolved') LIMIT {_ROWS}", (before,)
        )
    if not rows:
        return
    with database.writing() as connection:
        ids = connection.array([number for (number,) in rows])
        for table in ("incident_cell", "incident_series", "incident_log", "incident_request", "sample", "told"):
            connection.run(f"DELETE FROM {table} WHERE {connection.any_of('incident')}", (ids,))
        connection.run(
            f"DELETE FROM incident WHERE {connection.any_of('id')} AND last_fail < ? AND state IN ('pending', 'resolved')",
            (ids, before),
        )
