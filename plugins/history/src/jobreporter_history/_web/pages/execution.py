"""One execution, with its attempts and the line of jobs that it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from jobreporter_history._display.lineage import attempts_at, line_of
from jobreporter_history._web.axis import Axis
from jobreporter_history._web.site import Site
from jobreporter_history.store import Execution, Running, Term

_EARLIER = 20
_MOST_OF_LINE = 200
_DEEPEST = 6

Run = Execution | Running


class Job(NamedTuple):
    """A job of a line, and how far it is indented."""

    runs: Sequence[Run]
    depth: int

    @property
    def last(self) -> Run:
        """Its latest attempt."""
        return self.runs[-1]


def execution(site: Site, request: Request) -> Response:
    """``/x/EXECUTION``."""
    store, wanted = site.store, request.path_params["execution"]
    detail = store.execution(wanted)
    found: Run | None = detail.execution if detail else next(iter(store.running(execution_id=wanted)), None)
    if found is None:
        sentence = f"There is no execution {wanted!r}: it was never seen, or it is older than what is kept."
        return site.sentence(request, sentence, title="Not found", status=404, here="executions")
    now = store.now()
    attempts = _in_order(attempts_at(store, found))
    line = _in_order(line_of(store, found, _MOST_OF_LINE))
    incident = detail.execution.incident if detail else None
    before = detail.execution.id if detail else None
    return site.page(
        request,
        "execution.html",
        title=found.name,
        here="executions",
        x=found,
        ended=detail.execution if detail else None,
        running=None if detail else found,
        error=detail.error if detail else None,
        incident=None if incident is None else store.incident(incident),
        attempts=attempts,
        attempts_axis=_axis(attempts, now),
        line=_indented(line) if len({each.job_id for each in line}) > 1 else [],
        line_axis=_axis(line, now),
        earlier=store.executions([Term("name", found.name)], before=before, limit=_EARLIER).rows,
    )


def _in_order(runs: Iterable[Run]) -> list[Run]:
    """By their start. An execution that ended between two questions is there once."""
    once: dict[str, Run] = {each.execution_id: each for each in runs if isinstance(each, Running)}
    ended: dict[str, Run] = {each.execution_id: each for each in runs if isinstance(each, Execution)}
    return sorted((once | ended).values(), key=_begun)


def _begun(run: Run) -> float:
    if isinstance(run, Running):
        return run.started_at
    return run.ended_at if run.started_at is None else run.started_at


def _axis(runs: Sequence[Run], now: float) -> Axis:
    begins = [min(each.enqueued_at or _begun(each), _begun(each)) for each in runs]
    ends = [each.ended_at if isinstance(each, Execution) else now for each in runs]
    since = min(begins, default=now)
    return Axis(since, max(max(ends, default=now), since + 0.001), 1.0)


def _indented(runs: Sequence[Run]) -> list[Job]:
    """Jobs behind the one that enqueued them."""
    jobs: dict[str, list[Run]] = {}
    for each in runs:
        jobs.setdefault(each.job_id, []).append(each)
    children: dict[str, list[str]] = {}
    first: list[str] = []
    for job, its in jobs.items():
        parent = its[0].parent_id
        siblings = children.setdefault(parent, []) if parent is not None and parent in jobs else first
        siblings.append(job)
    found: list[Job] = []
    seen: set[str] = set()
    waiting = [(job, 0) for job in reversed(first)]
    while waiting:
        job, depth = waiting.pop()
        if job not in seen:
            seen.add(job)
            found.append(Job(jobs[job], min(depth, _DEEPEST)))
            waiting += [(child, depth + 1) for child in reversed(children.get(job, []))]
    # Jobs that name each other as their parents hang from nothing.
    return found + [Job(its, 0) for job, its in jobs.items() if job not in seen]
