"""Incidents at a glance, for lists: the newest message of each, and when in the last day it failed."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec

from jobreporter_history._calendar import DAY
from jobreporter_history._engines.database import Connection
from jobreporter_history._engines.trouble import Gone
from jobreporter_history._records.executions import ExecutionDetail
from jobreporter_history._records.incidents import Cell, Glimpse
from jobreporter_history._schema import executions as schema

_HOUR = 3600


def glimpses(connection: Connection, ids: Collection[int], now: float) -> dict[int, Glimpse]:
    """Of each incident that is asked for."""
    messages = dict(_messages(connection, ids))
    hours: dict[int, list[Cell]] = {}
    for number, cell in _hours(connection, ids, now - DAY):
        hours.setdefault(number, []).append(cell)
    return {each: Glimpse(message=messages.get(each, ""), hours=tuple(hours.get(each, ()))) for each in ids}


def _messages(connection: Connection, ids: Collection[int]) -> Iterator[tuple[int, str]]:
    """What the newest failure said that is kept: in its table, or as the sample that outlives it."""
    left = set(ids)
    for table in reversed(schema.existing(connection)):
        if left and table.kind == "bad":
            # One statement for all, in which each goes along the index to its newest.
            newest = f"SELECT x.incident, x.message FROM {table.name} x WHERE x.incident = ? ORDER BY x.id DESC LIMIT 1"
            sql = " UNION ALL ".join(f"SELECT * FROM ({newest}) t{number}" for number, _ in enumerate(left))
            try:
                found = connection.rows(sql, sorted(left))
            except Gone:
                continue
            left -= {number for number, _ in found}
            yield from ((number, message or "") for number, message in found)
    kept = f"SELECT incident, execution FROM sample WHERE {connection.any_of('incident')}"
    for number, execution in connection.rows(kept, (connection.array(sorted(left)),)):
        yield number, msgspec.json.decode(execution, type=ExecutionDetail).execution.message or ""


def _hours(connection: Connection, ids: Collection[int], since: float) -> Iterator[tuple[int, Cell]]:
    sums = ", ".join(f"CAST(sum({column}) AS {connection.words.integer})" for column in ("failed", "final"))
    sql = (
        f"SELECT incident, t / {_HOUR} * {_HOUR} AS hour, {sums} FROM incident_cell"
        f" WHERE {connection.any_of('incident')} AND t >= ? GROUP BY 1, 2 ORDER BY 1, 2"
    )
    for number, at, failed, final in connection.rows(sql, (connection.array(sorted(ids)), int(since))):
        yield number, Cell(at=at, failed=failed, final=final)
