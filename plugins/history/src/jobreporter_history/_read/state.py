"""Processes, releases, schedules, and the store itself."""

from __future__ import annotations

import json

from jobreporter_history._engines.database import Connection
from jobreporter_history._records.state import Damage, Process, Release
from jobreporter_history._schema import executions as schema

_PROCESS = ("host", "pid", "service", "environment", "release", "version", "agent", "started_at", "seen_at", "ledger")
#: Seconds, after which what is lost, silent, late or missed by then shows on a page that is open.
_COARSE = 15


def processes(connection: Connection) -> tuple[Process, ...]:
    """Every process that was seen of late, by host and number."""
    rows = connection.rows(f"SELECT {', '.join(_PROCESS)} FROM process ORDER BY host, pid")
    found = (dict(zip(_PROCESS, row, strict=True)) for row in rows)
    return tuple(
        Process(**each | {"agent": bool(each["agent"]), "ledger": json.loads(each["ledger"])}) for each in found
    )


def releases(connection: Connection) -> tuple[Release, ...]:
    """Every release, in the order of its first sight."""
    rows = connection.rows("SELECT service, environment, name, first_seen FROM release ORDER BY first_seen, id")
    return tuple(
        Release(service=service, environment=environment, release=name, first_seen=first_seen)
        for service, environment, name, first_seen in rows
    )


def damaged(connection: Connection) -> tuple[Damage, ...]:
    """The files that were put aside, the newest first."""
    rows = connection.rows("SELECT at, path, problem FROM damage ORDER BY at DESC")
    return tuple(Damage(at=at, path=path, problem=problem) for at, path, problem in rows)


def written_at(connection: Connection) -> float | None:
    """The last sign of life of a process that writes."""
    found = connection.row("SELECT max(seen_at) FROM process")
    return found[0] if found else None


def oldest(connection: Connection, kind: str) -> float | None:
    """From when on executions are kept."""
    return next((table.begins for table in schema.existing(connection) if table.kind == kind), None)


def mark(connection: Connection, now: float) -> str:
    """A text that is another one after anything was written, and after a while anyway: silence is told by time alone."""
    marks: list[object] = [int(now // _COARSE)]
    for kind in ("ok", "bad"):
        tables = [table for table in schema.existing(connection) if table.kind == kind]
        if tables:
            sql = f"SELECT max(id) FROM {tables[-1].name}"
            marks.append(connection.row(sql))
    marks.append(connection.row("SELECT count(*), max(started_at) FROM live"))
    marks.append(connection.row("SELECT max(n) FROM incident_log"))
    marks.append(connection.row("SELECT count(*) FROM incident_request WHERE done_at IS NULL"))
    seen = connection.row("SELECT count(*), max(seen_at) FROM process")
    # One of a hundred processes shows itself all the time: how they fare is told as coarsely as time is.
    marks.append(seen and (seen[0], int((seen[1] or 0.0) // _COARSE)))
    marks.append(connection.row("SELECT count(*), max(looked_at), sum(missed) FROM schedule"))
    marks.append(connection.row("SELECT count(*) FROM damage"))
    return json.dumps(marks, default=str)
