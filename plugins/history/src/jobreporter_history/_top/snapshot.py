"""What the first screen knows, and what of it a filter leaves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from jobreporter_history._display.ranges import RANGES
from jobreporter_history._top.filter import Filter, Where
from jobreporter_history.store import Figures, Histogram, Incident, JobFigures, Overview, Point, Running, Store

_MOST_INCIDENTS = 100
_MOST_RUNNING = 500


class Snapshot(NamedTuple):
    """Everything, at one moment."""

    #: Unix seconds.
    at: float
    #: The range's name, of `RANGES`.
    range: str
    overview: Overview
    needs: tuple[Incident, ...]
    #: What has started and not ended, the longest first.
    running: tuple[Running, ...]
    #: How many there are of these, if not all are here.
    running_count: int


class View(NamedTuple):
    """What a filter leaves of it. The figures are those of the jobs that are left."""

    at: float
    range: str
    overview: Overview
    needs: tuple[Incident, ...]
    lost: tuple[Running, ...]
    running: tuple[Running, ...]
    #: How many run.
    running_count: int


def taken(store: Store, range: str) -> Snapshot:
    """Ask the store. Raises `StoreError`."""
    now = store.now()
    running = store.running(limit=_MOST_RUNNING)
    return Snapshot(
        at=now,
        range=range,
        overview=store.overview(now - RANGES[range], now),
        needs=store.incidents(("open", "flapping"), limit=_MOST_INCIDENTS),
        running=running,
        running_count=len(running) if len(running) < _MOST_RUNNING else store.running_count(),
    )


def narrowed(snapshot: Snapshot, only: Filter) -> View:
    """What the filter leaves."""
    overview, needs, running, count = snapshot.overview, snapshot.needs, snapshot.running, snapshot.running_count
    if only:
        jobs = tuple(each for each in overview.jobs if only.takes(Where.of(each)))
        overview = replace(overview, jobs=jobs, figures=_sum(jobs), points=_points(jobs))
        queues: dict[str, set[tuple[str, str]]] = {}
        for job in snapshot.overview.jobs:
            queues.setdefault(job.name, set()).add((job.source, job.queue))
        needs = tuple(each for each in needs if _takes(only, each, queues.get(each.job, set())))
        running = tuple(each for each in running if only.takes(Where.of(each)))
        count = len(running)
    lost = tuple(each for each in running if each.lost)
    return View(
        at=snapshot.at,
        range=snapshot.range,
        overview=overview,
        needs=needs,
        lost=lost,
        running=tuple(each for each in running if not each.lost),
        running_count=count - len(lost),
    )


def _takes(only: Filter, incident: Incident, queues: Iterable[tuple[str, str]]) -> bool:
    """An incident is in every queue that its job ran in; if it ran in none, nobody knows, and it stays."""
    nowhere = Where(incident.service, incident.environment, None, None, incident.job, incident.title)
    places = [nowhere._replace(source=source, queue=queue) for source, queue in queues]
    return any(map(only.takes, places or [nowhere]))


def _points(jobs: Iterable[JobFigures]) -> tuple[Point, ...]:
    """The runs and failures of each step."""
    found: dict[float, Figures] = {}
    for job in jobs:
        for at, each in ((point.at, point.figures) for point in job.points):
            before = found.get(at, Figures())
            found[at] = Figures(
                succeeded=before.succeeded + each.succeeded,
                aborted=before.aborted + each.aborted,
                failed=before.failed + each.failed,
            )
    return tuple(Point(at=at, figures=figures) for at, figures in sorted(found.items()))


def _sum(jobs: Iterable[JobFigures]) -> Figures:
    all_of_them = [job.figures for job in jobs]
    waits = Histogram()
    for each in all_of_them:
        waits = waits.plus(each.waits)
    return Figures(
        succeeded=sum(each.succeeded for each in all_of_them),
        aborted=sum(each.aborted for each in all_of_them),
        failed=sum(each.failed for each in all_of_them),
        final=sum(each.final for each in all_of_them),
        retried=sum(each.retried for each in all_of_them),
        waits=waits,
    )
