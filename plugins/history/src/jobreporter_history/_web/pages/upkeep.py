"""Schedules, and the reporters of every process with the store itself."""

from __future__ import annotations

from typing import Any, NamedTuple

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
#: The columns of a ledger, and what each is in it: the first is the sum of all but the last.
_COUNTS = {
    "accepted": "accepted",
    "handled": "handled",
    "pending": "pending",
    "filtered": "filtered",
    "failed": "failed",
    "dropped": "dropped",
    "dead": "dead",
    "expired": "expired",
    "unknown": "unknown",
    "lost by itself": "lost_by_reporter",
}
_BAD = frozenset({"failed", "dropped", "dead", "expired", "lost by itself"})


class Count(NamedTuple):
    """One number of a ledger. value: ``None`` where another version told none. reasons: of which it is the sum."""

    title: str
    value: int | None
    reasons: str

    @property
    def is_bad(self) -> bool:
        """Whether something was lost."""
        return bool(self.value) and self.title in _BAD


def schedules(site: Site, request: Request) -> Response:
    """``/schedules``: how the runs of each fare, those that need somebody first, and the incidents of missed ones."""
    found = sorted(site.store.schedules(), key=lambda each: (_STATES.index(_state(each)), each.name))
    missed = [each for each in site.store.incidents(limit=_MOST_INCIDENTS) if each.kind == "missed"]
    return site.page(
        request,
        "schedules.html",
        title="Schedules",
        here="schedules",
        schedules=found[:_MOST],
        every=format_duration,
        state_of=_state,
        missed=missed[:_MOST],
    )


def _state(schedule: Schedule) -> str:
    """One of `_STATES`."""
    if not schedule.watched:
        return "unwatched"
    return "missed" if schedule.missed else "ok" if schedule.late is None else "late"


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
        titles=tuple(_COUNTS),
        counts=_counts,
        health=site.store.health(),
    )


def _counts(ledger: dict[str, Any]) -> list[Count]:
    """What a process told of one reporter: a number, or numbers by reason."""
    found = []
    for title, key in _COUNTS.items():
        told = ledger.get(key)
        by_reason = {name: count for name, count in told.items() if _is_count(count)} if isinstance(told, dict) else {}
        value = sum(by_reason.values()) if isinstance(told, dict) else told if _is_count(told) else None
        found.append(Count(title, value, ", ".join(f"{name} {count:,}" for name, count in by_reason.items())))
    return found


def _is_count(told: Any) -> bool:
    return isinstance(told, int) and not isinstance(told, bool)
