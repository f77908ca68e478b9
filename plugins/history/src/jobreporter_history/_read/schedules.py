"""Schedules, and how their runs fare."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from jobreporter.schedules import Schedule as Planned
from jobreporter_history._engines.database import Connection
from jobreporter_history._records.state import Schedule
from jobreporter_history._schedules.runs import came, latest, series_of
from jobreporter_history._schedules.watch import GAP


def schedules(connection: Connection, now: float) -> tuple[Schedule, ...]:
    """Every schedule that somebody watches, by name."""
    found = []
    for plan, *rest in connection.rows(
        "SELECT plan, watched_since, looked_at, last_due, next_due, missed FROM schedule ORDER BY name"
    ):
        found.append(_schedule(connection, msgspec.json.decode(plan, type=Planned), _Seen(*rest), now))
    return tuple(found)


class _Seen(NamedTuple):
    watched_since: float
    looked_at: float
    last_due: float | None
    next_due: float | None
    missed: int


def _schedule(connection: Connection, plan: Planned, seen: _Seen, now: float) -> Schedule:
    series = series_of(connection, plan)
    run = latest(connection, series)
    # The keeper may not have looked since it fell due.
    due = seen.next_due if seen.next_due is not None and seen.next_due <= now else seen.last_due
    late = None
    # Nobody knows of a run that was due before anybody watched, nor of any while those who would tell are away.
    watched = now - seen.looked_at <= GAP
    known = watched and due is not None and seen.watched_since <= due <= now
    if due is not None and known and not came(connection, series, due - plan.early, now):
        late = now - due
    return Schedule(
        name=plan.name,
        job=plan.job,
        source=plan.source or "",
        queue=plan.queue or "",
        cron=plan.cron,
        every=plan.every,
        timezone=plan.timezone,
        grace=plan.grace,
        looked_at=seen.looked_at,
        last_run=None if run is None else run.at,
        last_outcome=None if run is None else run.outcome or "running",
        last_due=seen.last_due,
        next_due=seen.next_due,
        watched=watched,
        late=late,
        missed=seen.missed,
    )
