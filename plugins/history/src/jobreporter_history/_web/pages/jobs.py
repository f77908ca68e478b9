"""Jobs: the table of all, and one of them."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from jobreporter_history._display.ranges import RANGES
from jobreporter_history._web import charts
from jobreporter_history._web.axis import Axis
from jobreporter_history._web.charts import Series
from jobreporter_history._web.pages.overview import failures, runs
from jobreporter_history._web.site import Site, range_of
from jobreporter_history.store import Execution, Point, Release, Term

_ROWS = 100
_NEWEST = 20
_MOST_RUNNING = 1000
_MOST_PAGES = 10_000
_QUANTILES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))


def jobs(site: Site, request: Request) -> Response:
    """``/jobs?range=&find=&page=``."""
    asked, find = range_of(request), request.query_params.get("find", "")
    page = request.query_params.get("page", "1")
    page_number = min(max(int(page), 1), _MOST_PAGES) if page.isascii() and page.isdigit() and len(page) < 9 else 1
    now = site.store.now()
    overview = site.store.overview(now - RANGES[asked], now)
    found = sorted(
        (each for each in overview.jobs if find.lower() in each.name.lower()),
        key=lambda each: (-each.figures.failed, -each.figures.runs, each.name),
    )
    begin = (page_number - 1) * _ROWS
    return site.page(
        request,
        "jobs.html",
        title="Jobs",
        here="jobs",
        range=asked,
        find=find,
        jobs=found[begin : begin + _ROWS],
        total=len(found),
        page_number=page_number,
        more=len(found) > begin + _ROWS,
        axis=Axis(overview.since, overview.until, overview.step),
    )


def job(site: Site, request: Request) -> Response:
    """``/job?name=&range=``."""
    name = request.query_params.get("name", "")
    asked = range_of(request)
    now = site.store.now()
    step, figures, points = site.store.job(name, now - RANGES[asked], now)
    latest = site.store.executions([Term("name", name)], limit=_NEWEST).rows if name else ()
    if not points and not latest and all(each.name != name for each in site.store.running(limit=_MOST_RUNNING)):
        sentence = f"There is no job {name!r}: nothing of that name runs, or has ended in what is kept."
        return site.sentence(request, sentence, title="Not found", status=404, here="jobs")
    until = -int(-now // step) * step
    axis = Axis(int((now - RANGES[asked]) // step) * step, until, step)
    releases = [each for each in site.store.releases() if axis.since < each.first_seen <= now]
    return site.page(
        request,
        "job.html",
        title=name,
        here="jobs",
        range=asked,
        name=name,
        figures=figures,
        axis=axis,
        releases=releases,
        runs=runs(axis, points, releases),
        failures=failures(axis, points, releases),
        durations=_durations(axis, points, releases),
        top=_top(points),
        incidents=site.store.incidents(("open", "flapping"), job=name, limit=10),
        places=_places(latest),
        latest=latest,
    )


def _durations(axis: Axis, points: tuple[Point, ...], releases: list[Release]) -> Markup:
    drawn = [
        Series(kind, [(each.at, value) for each in points if (value := each.figures.durations.quantile(q)) is not None])
        for kind, q in _QUANTILES
    ]
    waits = [(each.at, value) for each in points if (value := each.figures.waits.quantile(0.95)) is not None]
    return charts.lines(axis, [*drawn, Series("wait", waits)], label="Duration and queue wait", releases=releases)


def _top(points: tuple[Point, ...]) -> float | None:
    values = [each.figures.durations.quantile(0.99) for each in points]
    values += [each.figures.waits.quantile(0.95) for each in points]
    return max((value for value in values if value is not None), default=None)


def _places(latest: Iterable[Execution]) -> list[tuple[str, str]]:
    """Source and queue of the latest runs."""
    return sorted({(each.source, each.queue) for each in latest})
