"""The first page: what needs somebody, and how everything fares."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from jobreporter_history._display.ranges import RANGES
from jobreporter_history._web import charts
from jobreporter_history._web.axis import Axis
from jobreporter_history._web.charts import Series
from jobreporter_history._web.site import Site, range_of
from jobreporter_history.store import Point, Release

_MOST_INCIDENTS = 10
_MOST_RUNNING = 200
_SHOWN_RUNNING = 12
_SHOWN_LOST = 5
_MOST_QUEUES = 50


def overview(site: Site, request: Request) -> Response:
    """``/?range=``; with ``lost=all``, every execution that is lost."""
    asked = range_of(request)
    store, now = site.store, site.store.now()
    figures = store.overview(now - RANGES[asked], now)
    axis = Axis(figures.since, figures.until, figures.step)
    unresolved = store.incidents(("open", "flapping"), limit=_MOST_INCIDENTS)
    running = store.running(limit=_MOST_RUNNING)
    lost = [each for each in running if each.lost]
    releases = store.releases()
    queues = sorted(figures.queues, key=lambda each: -each.figures.runs)
    return site.page(
        request,
        "overview.html",
        title="Overview",
        here="",
        range=asked,
        figures=figures.figures,
        axis=axis,
        releases=[each for each in releases if axis.since < each.first_seen <= axis.until],
        needs=unresolved,
        glimpses=store.glimpses([each.id for each in unresolved]),
        day=charts.last_hours(24, now),
        lost=lost if request.query_params.get("lost") == "all" else lost[:_SHOWN_LOST],
        lost_count=len(lost),
        running=[each for each in running if not each.lost][:_SHOWN_RUNNING],
        running_count=store.running_count() - len(lost),
        queues=queues[:_MOST_QUEUES],
        runs=runs(axis, figures.points, releases),
        failures=failures(axis, figures.points, releases),
    )


def runs(axis: Axis, points: Iterable[Point], releases: Iterable[Release]) -> Markup:
    """All executions: those that succeeded, and on top of them those that were aborted or failed."""
    steps = tuple(points)
    return charts.bars(
        axis,
        [
            Series("runs", [(each.at, each.figures.succeeded) for each in steps]),
            Series("aborted", [(each.at, each.figures.aborted) for each in steps]),
            Series("failed", [(each.at, each.figures.failed) for each in steps]),
        ],
        label=f"Executions: {sum(each.figures.runs for each in steps):,}",
        releases=releases,
    )


def failures(axis: Axis, points: Iterable[Point], releases: Iterable[Release]) -> Markup:
    """The failures, on a scale of their own."""
    steps = tuple(points)
    drawn = [Series("failed", [(each.at, each.figures.failed) for each in steps])]
    label = f"Failures: {sum(each.figures.failed for each in steps):,}"
    return charts.bars(axis, drawn, label=label, releases=releases, height=60.0)
