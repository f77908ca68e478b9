"""An execution: how it went, its error, its attempts, its arguments, its facts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jobreporter_history._display.lineage import attempts_at
from jobreporter_history._display.text import about, ago, clock, duration, exact, literal, number
from jobreporter_history._top import wording
from jobreporter_history._top.lines import Line, Part, Target, blank, clipped, heading, safe, wrapped
from jobreporter_history._top.sections import error_lines, facts, listed, titled
from jobreporter_history._top.subject import Room
from jobreporter_history._top.tables import Column, Row, table
from jobreporter_history.store import Execution, ExecutionDetail, IncidentDetail, Running, Store


class FoundExecution(NamedTuple):
    """What there is of an execution."""

    run: Execution | Running
    detail: ExecutionDetail | None
    attempts: Sequence[Execution | Running]
    incident: IncidentDetail | None


class OfExecution(NamedTuple):
    """One execution, ended or not."""

    id: str

    @property
    def title(self) -> str:
        """Its id."""
        return f"execution {safe(self.id)}"

    def ask(self, store: Store) -> FoundExecution | None:
        """All about it."""
        detail = store.execution(self.id)
        run = detail.execution if detail else next(iter(store.running(execution_id=self.id)), None)
        if run is None:
            return None
        number = detail.execution.incident if detail else None
        incident = None if number is None else store.incident(number)
        return FoundExecution(run, detail, attempts_at(store, run), incident)

    def lines(self, found: FoundExecution | None, room: Room) -> Sequence[Line]:
        """How it went, its error, its attempts, its arguments, its facts."""
        width, now = room.width, room.now
        if found is None:
            said = "There is no such execution: it was never seen, or it is older than what is kept."
            return wrapped(said, width)
        run, error = found.run, found.detail.error if found.detail else None
        incident = found.incident.incident if found.incident else None
        belongs = f"Incident {incident.id}: {number(incident.failed)} like this" if incident else ""
        return [
            *titled([wording.outcome_of(run)], run.name, width),
            *wrapped(_sentence(run, now), width),
            *(error_lines(error, width) if error else ()),
            *([Line(clipped([Part(belongs)], width), Target("incident", str(incident.id)))] if incident else ()),
            *(_attempts(found, room) if len(found.attempts) > 1 else ()),
            *_arguments(run, width),
            *_facts(run, width),
        ]


def _sentence(run: Execution | Running, now: float) -> str:
    where = f"{run.source} {run.queue}".rstrip()
    if isinstance(run, Running):
        if run.lost:
            seen = f"since {exact(run.seen_at)}" if run.seen_at else "at all"
            return f"{where}, started {ago(run.started_at, now)}; its process has shown no sign of life {seen}"
        usual = "" if run.usual is None else f", usually {about(run.usual)}"
        return f"{where}, has been running for {duration(max(now - run.started_at, 0.0))}{usual}; attempt {run.attempt}"
    waited = "" if run.queue_wait is None else f" after {duration(run.queue_wait)} in the queue"
    of = f" of at most {run.max_attempts}" if run.max_attempts else ""
    follows = "; no further attempt follows" if run.final else "; another attempt follows" if run.will_retry else ""
    kind = f"; {run.kind}" if run.kind else ""
    took = f"took {duration(run.duration)}{waited}"
    return f"{where}, ended {ago(run.ended_at, now)}, {took}{kind}; attempt {run.attempt}{of}{follows}"


def _attempts(found: FoundExecution, room: Room) -> list[Line]:
    columns = (
        Column("#", 8, right=True),
        Column("outcome", 9),
        Column("started", 5),
        Column("took", 7, right=True),
        Column("worker"),
    )
    rows = [
        Row(
            (
                Part(str(each.attempt), "strong" if each.execution_id == found.run.execution_id else "plain"),
                wording.outcome_of(each),
                Part(clock(each.started_at, room.now), "quiet"),
                Part(duration(each.duration if isinstance(each, Execution) else max(room.now - each.started_at, 0.0))),
                Part(safe(each.worker or ""), "quiet"),
            ),
            Target("execution", each.execution_id),
        )
        for each in found.attempts
    ]
    return listed("Attempts", table(columns, rows, room.width), room.width)


def _arguments(run: Execution | Running, width: int) -> list[Line]:
    given = [(str(number), value) for number, value in enumerate(run.args, 1)] + list(run.kwargs.items())
    if not given:
        return []
    lines = [blank(), heading("Arguments", width)]
    for name, value in given:
        lines += wrapped(f"{name} = {literal(value)}", width, indent=2, most=4)
    return lines


def _facts(run: Execution | Running, width: int) -> list[Line]:
    tags = run.tags if isinstance(run, Execution) else {}
    found = [
        *tags.items(),
        ("execution", run.execution_id),
        ("job id", run.job_id),
        ("line", run.root_id),
        ("queued", None if run.enqueued_at is None else exact(run.enqueued_at)),
        ("started", exact(run.started_at)),
        ("ended", exact(run.ended_at) if isinstance(run, Execution) else None),
        ("worker", run.worker),
        ("service", f"{run.service} {run.environment}".strip()),
        ("release", run.release),
    ]
    known = [(name, value) for name, value in found if value]
    return [blank(), heading("Facts", width), *facts(known, width)]
