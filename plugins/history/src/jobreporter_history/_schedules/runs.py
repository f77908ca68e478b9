"""The runs of a schedule's job, as the history knows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jobreporter.schedules import MISSED, Schedule
from jobreporter_history._calendar import Table, ended_at, first_id
from jobreporter_history._engines.database import Connection, Row
from jobreporter_history._engines.trouble import Gone
from jobreporter_history._schema import executions as schema

_OUTCOMES = {"ok": ("success", "aborted"), "bad": ("failure",)}
_SELECTED = "id, started_at, duration, kind, outcome"
# So many executions that ended since are looked at: of more, one surely began since.
_MOST = 200


class Run(NamedTuple):
    """One of them. at: its start, or its end where no start was seen."""

    at: float
    #: ``None`` while it runs.
    outcome: str | None


def series_of(connection: Connection, plan: Schedule) -> list[int]:
    """The series of the job: in one queue of one source, or wherever it has this name."""
    conditions, parameters = ["name = ?"], [plan.job]
    for column, value in (("source", plan.source), ("queue", plan.queue)):
        if value is not None:
            conditions.append(f"{column} = ?")
            parameters.append(value)
    rows = connection.rows(f"SELECT id FROM series WHERE {' AND '.join(conditions)}", parameters)
    return [number for (number,) in rows]


def came(connection: Connection, series: Sequence[int], since: float, until: float) -> bool:
    """Whether a run began within the range."""
    for number in series:
        if connection.row(
            "SELECT 1 FROM live WHERE series = ? AND started_at >= ? AND started_at <= ?", (number, since, until)
        ):
            return True
    found = 0
    for table in schema.existing(connection):
        if table.ends <= since:
            continue
        for number in series:
            for outcome in _OUTCOMES[table.kind]:
                sql = (
                    f"SELECT {_SELECTED} FROM {table.name} WHERE series = ? AND outcome = ? AND id >= ?"
                    f" ORDER BY id LIMIT {_MOST}"
                )
                try:
                    rows = connection.rows(sql, (number, outcome, first_id(since)))
                except Gone:
                    continue
                runs = [_run(row) for row in rows if row[3] != MISSED]
                if any(since <= run.at <= until for run in runs):
                    return True
                found += len(runs)
    return found >= _MOST


def latest(connection: Connection, series: Sequence[int]) -> Run | None:
    """The run that began last."""
    runs = []
    for number in series:
        row = connection.row("SELECT max(started_at) FROM live WHERE series = ?", (number,))
        if row and row[0] is not None:
            runs.append(Run(row[0], None))
    for kind in ("ok", "bad"):
        tables = [table for table in schema.existing(connection) if table.kind == kind]
        newest = (_newest(connection, table, series) for table in reversed(tables))
        runs += next(filter(None, newest), [])
    return max(runs, key=lambda run: run.at, default=None)


def _newest(connection: Connection, table: Table, series: Sequence[int]) -> list[Run]:
    """The runs in a table that ended last, by series and outcome."""
    runs: list[Run] = []
    for number in series:
        for outcome in _OUTCOMES[table.kind]:
            sql = f"SELECT {_SELECTED} FROM {table.name} WHERE series = ? AND outcome = ? ORDER BY id DESC LIMIT 5"
            try:
                rows = connection.rows(sql, (number, outcome))
            except Gone:
                continue
            runs += [_run(row) for row in rows if row[3] != MISSED]
    return runs


def _run(row: Row) -> Run:
    number, started_at, duration, _, outcome = row
    end = ended_at(number)
    return Run(started_at if started_at is not None else end - (duration or 0.0), outcome)
