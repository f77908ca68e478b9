"""Incidents, what happened to them, and what their failures have in common."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec

from jobreporter_history._calendar import DAY
from jobreporter_history._engines.database import Connection, Row
from jobreporter_history._engines.trouble import Gone
from jobreporter_history._incidents.template import template
from jobreporter_history._read.finding import containing
from jobreporter_history._read.names import Names
from jobreporter_history._read.rows import SELECTED, detail, execution
from jobreporter_history._records.executions import Execution, ExecutionDetail
from jobreporter_history._records.incidents import Cell, Facets, Incident, IncidentDetail, LogRow, Share
from jobreporter_history._schema import executions as schema

_COLUMNS = (
    "id",
    "fingerprint",
    "parts",
    "service",
    "environment",
    "job",
    "kind",
    "type",
    "state",
    "since",
    "first_seen",
    "last_fail",
    "last_final",
    "failed",
    "final",
    "opened_at",
    "resolved_at",
    "fixed_release",
    "silenced_until",
)
_LAST = "(SELECT l.happening FROM incident_log l WHERE l.incident = i.id ORDER BY l.seq DESC LIMIT 1)"
_SELECTED = f"SELECT {', '.join(f'i.{column}' for column in _COLUMNS)}, {_LAST} FROM incident i"
_LOG = ("n", "incident", "seq", "at", "happening", "cause", "quiet", "state", "facts")
_LOG_OF = f"SELECT {', '.join(_LOG)} FROM incident_log WHERE incident = ? ORDER BY seq DESC LIMIT 500"
# Which needs somebody most: what was missed, what came back, what is open, what flaps, and last what is silenced.
_URGENCY = (
    "CASE WHEN i.state = 'pending' THEN 6 WHEN i.state = 'resolved' THEN 5 WHEN i.silenced_until IS NOT NULL THEN 4"
    f" WHEN i.state <> 'open' THEN 3 WHEN i.kind = 'missed' THEN 0 WHEN {_LAST} = 'regressed' THEN 1 ELSE 2 END"
)
_ORDERS = {
    "urgency": f"{_URGENCY}, i.last_fail DESC",
    "last_fail": "i.last_fail DESC",
    "first_seen": "i.first_seen DESC",
    "failed": "i.failed DESC",
}
_MOST_FACETS = 1000
_SHARES = 8


def incidents(
    connection: Connection,
    *,
    states: Sequence[str],
    series: Iterable[int] | None,
    find: str,
    order: str,
    limit: int,
    offset: int,
) -> tuple[Incident, ...]:
    """Incidents that have failed. series: only those seen in one of these. find: only those that it stands in."""
    where, parameters = _where(connection, states, series, find)
    sql = f"{_SELECTED} WHERE {where} ORDER BY {_ORDERS[order]}, i.id DESC LIMIT ? OFFSET ?"
    return tuple(map(_incident, connection.rows(sql, [*parameters, limit, offset])))


def count(connection: Connection, states: Sequence[str], find: str) -> int:
    """How many of them there are."""
    where, parameters = _where(connection, states, None, find)
    found = connection.row(f"SELECT count(*) FROM incident i WHERE {where}", parameters)
    return int(found[0]) if found else 0


def _where(
    connection: Connection, states: Sequence[str], series: Iterable[int] | None, find: str
) -> tuple[str, list[Any]]:
    conditions, parameters = ["i.failed > 0"], list[Any]()
    if states:
        conditions.append(f"i.state IN ({', '.join('?' * len(states))})")
        parameters += list(states)
    if series is not None:
        ids = ", ".join(map(str, series)) or "NULL"
        conditions.append(f"i.id IN (SELECT incident FROM incident_series WHERE series IN ({ids}))")
    if find:
        found = containing(connection, find)
        conditions.append(found[0])
        parameters += found[1]
    return " AND ".join(conditions), parameters


def incident(connection: Connection, names: Names, id: int, now: float) -> IncidentDetail | None:
    """One incident, whether it has failed or not."""
    row = connection.row(f"{_SELECTED} WHERE i.id = ?", (id,))
    if row is None:
        return None
    found = _incident(row)
    cells = connection.rows(
        "SELECT t, failed, final FROM incident_cell WHERE incident = ? AND t >= ? ORDER BY t", (id, now - 30 * DAY)
    )
    return IncidentDetail(
        incident=found,
        sample=sample(connection, names, id),
        jobs=jobs(connection, names, id) or (found.job,),
        log=tuple(map(log_row, connection.rows(_LOG_OF, (id,)))),
        cells=tuple(Cell(at=t, failed=failed, final=final) for t, failed, final in cells),
    )


def these(connection: Connection, ids: Collection[int]) -> dict[int, Incident]:
    """Several incidents by their numbers."""
    rows = connection.rows(f"{_SELECTED} WHERE {connection.any_of('i.id')}", (connection.array(sorted(ids)),))
    return {found.id: found for found in map(_incident, rows)}


def sample(connection: Connection, names: Names, id: int) -> ExecutionDetail | None:
    """The newest failure of an incident that is kept: in its table, or as the sample that outlives it."""
    for row in newest(connection, id, 1):
        return detail(row, connection, names)
    kept = connection.row("SELECT execution FROM sample WHERE incident = ?", (id,))
    return None if kept is None else msgspec.json.decode(kept[0], type=ExecutionDetail)


def newest(connection: Connection, id: int, limit: int) -> list[Row]:
    """The newest executions of an incident, with `SELECTED`."""
    found: list[Row] = []
    for table in reversed(schema.existing(connection)):
        if len(found) >= limit:
            break
        # What was missed is no failure, and an incident all the same: the index of what is no success has it.
        narrowed = "" if table.kind == "bad" else " AND x.outcome = 'aborted' AND x.outcome <> 'success'"
        sql = f"SELECT {SELECTED} FROM {table.name} x WHERE x.incident = ?{narrowed} ORDER BY x.id DESC LIMIT ?"
        try:
            found += connection.rows(sql, (id, limit))
        except Gone:
            continue
    return sorted(found, key=lambda row: -int(row[0]))[:limit]


def jobs(connection: Connection, names: Names, id: int) -> tuple[str, ...]:
    """The names of the jobs that an incident was seen in."""
    rows = connection.rows("SELECT series FROM incident_series WHERE incident = ?", (id,))
    found = (names.series(connection, series) for (series,) in rows)
    return tuple(sorted({each.name for each in found if not each.is_other}))


def facets(connection: Connection, names: Names, id: int) -> Facets:
    """What the newest failures of an incident have in common."""
    found = [execution(row, connection, names) for row in newest(connection, id, _MOST_FACETS)]
    tags: dict[str, Counter[str]] = {}
    for each in found:
        for name, value in each.tags.items():
            tags.setdefault(name, Counter())[value] += 1
    return Facets(
        of=len(found),
        releases=_shares(Counter(each.release or "" for each in found)),
        hosts=_shares(Counter(_host(each) for each in found)),
        messages=_shares(Counter(template(each.message or "") for each in found)),
        tags={name: _shares(tags[name]) for name in sorted(tags)},
    )


def log_columns(table: str) -> str:
    """The columns of a row for `log_row`, of a table that is called so."""
    return ", ".join(f"{table}.{column}" for column in _LOG)


def log_row(row: Row) -> LogRow:
    """The record of such a row."""
    found: dict[str, Any] = dict(zip(_LOG, row, strict=True))
    found["quiet"] = bool(found["quiet"])
    found["facts"] = json.loads(found["facts"])
    return LogRow(**found)


def _incident(row: Row) -> Incident:
    found: dict[str, Any] = dict(zip((*_COLUMNS, "last_happening"), row, strict=True))
    found["parts"] = tuple(json.loads(found["parts"]))
    # An incident that is about to get its first failure has no times yet.
    found["first_seen"] = found["first_seen"] or 0.0
    found["last_fail"] = found["last_fail"] or 0.0
    return Incident(**found)


def _host(found: Execution) -> str:
    return (found.process or found.worker or "").rpartition(":")[0]


def _shares(counts: Counter[str]) -> tuple[Share, ...]:
    return tuple(Share(value=value, count=count) for value, count in counts.most_common(_SHARES) if value)
