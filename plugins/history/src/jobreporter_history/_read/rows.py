"""Rows as records."""

from __future__ import annotations

from typing import Any

import msgspec

from jobreporter import ErrorInfo
from jobreporter_history._calendar import ended_at
from jobreporter_history._engines.database import Connection, Row
from jobreporter_history._read.names import Names
from jobreporter_history._records.executions import Execution, ExecutionDetail, Running
from jobreporter_history._rows.columns import COLUMNS, LIVE
from jobreporter_history._rows.data import Data, decode
from jobreporter_history._rows.error_body import joined
from jobreporter_history._rows.series import Series

#: The columns of an execution, to be selected from a table called ``x``.
SELECTED = ", ".join(f"x.{column}" for column in COLUMNS)
SELECTED_LIVE = ", ".join(f"x.{column}" for column in LIVE)


def execution(row: Row, connection: Connection, names: Names) -> Execution:
    """The record of a row that has `SELECTED`."""
    found: dict[str, Any] = dict(zip(COLUMNS, row, strict=True))
    data = decode(found.pop("data"))
    series = names.series(connection, found.pop("series"))
    found["release"] = names.release(connection, found["release"])
    found["final"] = bool(found["final"])
    found["will_retry"] = None if found["will_retry"] is None else bool(found["will_retry"])
    del found["rank"], found["error"]
    end = ended_at(found["id"])
    if found["started_at"] is None and found["duration"] is not None:
        found["started_at"] = end - found["duration"]
    elif found["started_at"] is not None:
        found["started_at"] = min(found["started_at"], end)  # the end is known to the millisecond
    return Execution(
        ended_at=end,
        error_type=data.type,
        correlation_id=data.correlation,
        priority=data.priority,
        args=data.args,
        kwargs=data.kwargs,
        tags=data.tags,
        extra=data.extra,
        shortened=data.shortened,
        **_identity(series, data),
        **found,
    )


def detail(row: Row, connection: Connection, names: Names) -> ExecutionDetail:
    """The record of a row that has `SELECTED`, with its error."""
    found = dict(zip(COLUMNS, row, strict=True))
    body = connection.row("SELECT body FROM error WHERE hash = ?", (found["error"],)) if found["error"] else None
    return ExecutionDetail(
        execution=execution(row, connection, names),
        error=None if body is None else error_of(body[0], found["message"], decode(found["data"])),
    )


def error_of(body: bytes, message: str | None, data: Data) -> ErrorInfo:
    """The error of which these are the parts."""
    return joined(body, message or "", data.texts)


def running(row: Row, connection: Connection, names: Names, **more: Any) -> Running:
    """The record of a row that has `SELECTED_LIVE`."""
    found = dict(zip(LIVE, row, strict=True))
    data = decode(found.pop("data"))
    series = names.series(connection, found.pop("series"))
    found["release"] = names.release(connection, found["release"])
    found |= {"args": data.args, "kwargs": data.kwargs, "extra": data.extra, **_identity(series, data), **more}
    return msgspec.convert(found, Running)


def _identity(series: Series, data: Data) -> dict[str, Any]:
    identity = series._asdict()
    if data.job is not None:  # it stands in the series of those that are too many
        identity |= data.job
    return identity
