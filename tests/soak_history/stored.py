"""What is in the store in the end, as its tables have it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from jobreporter_history._engines.database import Connection
from jobreporter_history._open import open_database
from jobreporter_history._rows.columns import OWN
from jobreporter_history._upkeep.audit import audit
from tests.plugins.history import contents


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An execution that has ended."""

    execution: str
    job: str
    name: str
    source: str
    outcome: str
    #: As in `recorder.Recorded`.
    why: str | None
    final: bool
    will_retry: bool | None
    duration: float | None
    at: float
    #: Whether the process that ran it has told its end, and not only somebody else.
    is_own: bool
    #: The fingerprint.
    incident: str | None
    message: str | None


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """What an incident's row and its cells and its log say."""

    fingerprint: str
    parts: tuple[str, ...]
    failed: int
    final: int
    first_seen: float
    last_fail: float
    last_final: float | None
    #: Failures and final ones, as the cells add up.
    in_cells: tuple[int, int]
    #: How many things have happened to it, and the numbers of what was logged.
    seq: int
    logged: tuple[int, ...]


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """Everything. complaints: what doesn't add up in the store itself."""

    rows: Sequence[Row]
    #: Executions that run.
    live: Sequence[str]
    incidents: Sequence[Incident]
    complaints: Sequence[str]


def stored(url: str) -> Stored:
    """Read it."""
    complaints = []
    try:
        contents.rows_equal_rollups(url)
    except AssertionError as error:
        complaints.append(f"rows, rollups and incidents don't add up: {str(error)[:2000]}")
    database = open_database(url)
    try:
        with database.reading() as connection:
            complaints += audit(connection, database.now())
            return Stored(
                rows=[_row(each) for each in contents.executions(connection)],
                live=[each["execution_id"] for each in contents.live(connection)],
                incidents=list(_incidents(connection)),
                complaints=complaints,
            )
    finally:
        database.close()


def _row(each: dict[str, Any]) -> Row:
    name, _queue, source, *_ = each["series"]
    plain = {key: each[key] for key in ("outcome", "duration", "message")}
    return msgspec.convert(
        {
            **plain,
            "execution": each["execution_id"],
            "job": each["job_id"],
            "name": name,
            "source": source,
            "why": each["kind"],
            "final": each["final"] == 1,
            "will_retry": None if each["will_retry"] is None else each["will_retry"] == 1,
            "at": each["ended_at"],
            "incident": each["incident"] and each["incident"][0],
            "is_own": each["rank"] == OWN,
        },
        Row,
    )


def _incidents(connection: Connection) -> list[Incident]:
    found = []
    told = connection.rows(
        "SELECT id, fingerprint, parts, failed, final, first_seen, last_fail, last_final, seq FROM incident WHERE failed > 0"
    )
    for number, fingerprint, parts, *sums in told:
        failed, final, first_seen, last_fail, last_final, seq = sums
        cells = connection.rows("SELECT failed, final FROM incident_cell WHERE incident = ?", (number,))
        log = connection.rows("SELECT seq FROM incident_log WHERE incident = ? ORDER BY seq", (number,))
        found.append(
            Incident(
                fingerprint=fingerprint,
                parts=tuple(json.loads(parts)),
                failed=failed,
                final=final,
                first_seen=first_seen,
                last_fail=last_fail,
                last_final=last_final,
                in_cells=(sum(each for each, _ in cells), sum(each for _, each in cells)),
                seq=seq,
                logged=tuple(each for (each,) in log),
            )
        )
    return found
