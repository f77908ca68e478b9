"""What runs now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from jobreporter_history._calendar import DAY
from jobreporter_history._engines.database import Connection
from jobreporter_history._read.figures import Range, totals_of
from jobreporter_history._read.names import Names
from jobreporter_history._read.rows import SELECTED_LIVE, running
from jobreporter_history._read.whose import Whose
from jobreporter_history._records.executions import Running
from jobreporter_history._rows.text import storable_key

#: Seconds without a sign of life of its process, after which an execution counts as lost.
SILENCE = 60.0


def all_running(connection: Connection, names: Names, now: float, limit: int) -> tuple[Running, ...]:
    """What has started and not ended, the longest first."""
    return _select(connection, names, now, "1 = 1 ORDER BY x.started_at LIMIT ?", (limit,))


def one(connection: Connection, names: Names, now: float, execution_id: str) -> Running | None:
    """One execution, if it has started and not ended."""
    return next(iter(_select(connection, names, now, "x.execution_id = ?", (storable_key(execution_id),))), None)


def of_job(connection: Connection, names: Names, now: float, job_id: str, whose: Whose) -> tuple[Running, ...]:
    """The attempts of a job that have started and not ended."""
    return _of(connection, names, now, "job_id", job_id, whose=whose)


def of_line(connection: Connection, names: Names, now: float, root_id: str, whose: Whose) -> tuple[Running, ...]:
    """The executions of a line that have started and not ended."""
    return _of(connection, names, now, "root_id", root_id, whose=whose)


def count(connection: Connection) -> int:
    """How many have started and not ended."""
    found = connection.row("SELECT count(*) FROM live")
    return int(found[0]) if found else 0


def _of(
    connection: Connection, names: Names, now: float, column: str, value: str, *, whose: Whose
) -> tuple[Running, ...]:
    condition = f"x.{column} = ?{whose.condition(connection, names)} ORDER BY x.started_at"
    return tuple(whose.among(_select(connection, names, now, condition, (storable_key(value),))))


def _select(
    connection: Connection, names: Names, now: float, condition: str, parameters: Sequence[Any]
) -> tuple[Running, ...]:
    rows = connection.rows(f"SELECT {SELECTED_LIVE} FROM live x WHERE {condition}", parameters)
    seen = {
        f"{host}:{pid}": seen_at for host, pid, seen_at in connection.rows("SELECT host, pid, seen_at FROM process")
    }
    usual = totals_of(connection, {row[1] for row in rows}, Range(now - DAY, now, now)) if rows else {}
    found = []
    for row in rows:
        known = usual.get(row[1])
        record = running(row, connection, names, usual=None if known is None else known.durations.quantile(0.5))
        seen_at = seen.get(record.process or "")
        # A process that has not shown itself yet may only just have begun.
        silent = now - (record.started_at if seen_at is None else seen_at) > SILENCE
        found.append(replace(record, lost=silent, seen_at=seen_at))
    return tuple(found)
