"""Incidents: the list, and one of them."""

from __future__ import annotations

from typing import get_args

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from jobreporter_history._web import charts
from jobreporter_history._web.axis import Axis
from jobreporter_history._web.charts import Series
from jobreporter_history._web.site import Site
from jobreporter_history.store import Cell, Release, State, Term

_ROWS = 50
_MOST_PAGES = 10_000
_LONGEST = 200
_HOUR = 3600
_HOURS = 72
_NEWEST = 12
_ORDERS = {"urgency": "Most urgent", "last_fail": "Latest", "first_seen": "Newest", "failed": "Most failures"}
_EACH: tuple[State, ...] = get_args(State)
_STATES: dict[str, tuple[State, ...]] = {state: (state,) for state in _EACH}
_STATES["unresolved"] = ("open", "flapping")
_LARGEST = 2**63 - 1


def incidents(site: Site, request: Request) -> Response:
    """``/incidents?state=&order=&find=&page=``."""
    asked = request.query_params
    state = asked.get("state", "unresolved")
    state = state if state in {*_STATES, "all"} else "unresolved"
    order = asked.get("order", "urgency")
    order = order if order in _ORDERS else "urgency"
    find = asked.get("find", "").strip()[:_LONGEST]
    page = asked.get("page", "1")
    page_number = min(max(int(page), 1), _MOST_PAGES) if page.isascii() and page.isdigit() and len(page) < 9 else 1
    found = site.store.incidents(
        _STATES.get(state, ()),
        find=find,
        order=order,  # type: ignore[arg-type]  # one of `_ORDERS`
        limit=_ROWS + 1,
        offset=(page_number - 1) * _ROWS,
    )
    return site.page(
        request,
        "incidents.html",
        title="Incidents",
        here="incidents",
        state=state,
        states=("unresolved", *_EACH, "all"),
        order=order,
        orders=_ORDERS,
        find=find,
        total=site.store.incident_count(_STATES.get(state, ()), find=find),
        incidents=found[:_ROWS],
        glimpses=site.store.glimpses([each.id for each in found[:_ROWS]]),
        day=charts.last_hours(24, site.store.now()),
        page_number=page_number,
        more=len(found) > _ROWS,
    )


def incident(site: Site, request: Request) -> Response:
    """``/incidents/ID``."""
    given = request.path_params["incident"]
    known = given.isascii() and given.isdigit() and len(given) <= 19 and int(given) <= _LARGEST
    detail = site.store.incident(int(given)) if known else None
    if detail is None:
        sentence = f"There is no incident {given!r}: incidents have numbers, and old ones that don't fail any more go."
        return site.sentence(request, sentence, title="Not found", status=404, here="incidents")
    now = site.store.now()
    axis = charts.last_hours(_HOURS, now)
    number = detail.incident.id
    releases = [each for each in site.store.releases() if axis.since < each.first_seen <= now]
    return site.page(
        request,
        "incident.html",
        title=f"{detail.incident.title} in {detail.incident.job}",
        here="incidents",
        detail=detail,
        incident=detail.incident,
        error=detail.sample.error if detail.sample else None,
        day=sum(cell.failed for cell in detail.cells if cell.at >= now - 86_400),
        axis=axis,
        releases=releases,
        chart=_chart(axis, detail.cells, releases),
        facets=site.store.facets(number),
        rows=site.store.executions([Term("incident", number)], limit=_NEWEST).rows,
    )


def _chart(axis: Axis, cells: tuple[Cell, ...], releases: list[Release]) -> Markup:
    hours: dict[float, float] = {}
    for cell in cells:
        if cell.at >= axis.since:
            hour = cell.at // _HOUR * _HOUR
            hours[hour] = hours.get(hour, 0.0) + cell.failed
    drawn = [Series("failed", sorted(hours.items()))]
    return charts.bars(axis, drawn, label="Failures an hour, 72 hours", releases=releases, height=70.0)
