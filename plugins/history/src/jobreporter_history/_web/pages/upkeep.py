"""Schedules, and the reporters of every process with the store itself."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from jobreporter import format_duration
from jobreporter_history._records.state import Schedule
from jobreporter_history._web.site import Site

#: Seconds without a sign of life, after which a process counts as silent.
_SILENCE = 60.0
_MOST = 200
_STATES = ("missed", "late", "unwatched", "ok")
_MOST_INCIDENTS = 1000
#: Of a ledger: the columns of the table.
COUNTS = ("accepted", "handled", "pending", "failed", "dead", "expired")


def schedules(site: Site, request: Request) -> Response:
    """``/schedules``: how the runs of each fare, those that need somebody first, and the incidents of missed ones."""
    now = site.store.now()
    found = sorted(site.store.schedules(), key=lambda each: (_STATES.index(_state(each, now)), each.name))
    missed = [each for each in site.store.incidents(limit=_MOST_INCIDENTS) if each.kind == "missed"]
    return site.page(
        request,
        "schedules.html",
        title="Schedules",
        here="schedules",
        schedules=found[:_MOST],
        every=format_duration,
        state_of=lambda each: _state(each, now),
        missed=missed[:_MOST],
    )


def _state(schedule: Schedule, now: float) -> str:
    """One of `_STATES`."""
    if schedule.missed:
        return "missed"
    if schedule.late is not None:
        return "late"
    return "unwatched" if now - schedule.looked_at > _SILENCE else "ok"


def reporters(site: Site, request: Request) -> Response:
    """``/reporters``."""
    now = site.store.now()
    processes = site.store.processes()
    return site.page(
        request,
        "reporters.html",
        title="Reporters",
        here="reporters",
        processes=sorted(processes, key=lambda each: (now - each.seen_at <= _SILENCE, each.host, each.pid))[:_MOST],
        process_count=len(processes),
        silent={(each.host, each.pid) for each in processes if now - each.seen_at > _SILENCE},
        counts=COUNTS,
        health=site.store.health(),
    )
