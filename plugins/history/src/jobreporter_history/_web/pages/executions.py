"""The list of executions: search, and the same as CSV and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice

import msgspec
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from jobreporter_history._display.query import Query, QueryError, parse
from jobreporter_history._display.text import exact, literal, visible
from jobreporter_history._web.site import Site
from jobreporter_history.store import Count, Execution, Page

_ROWS = 50
_ROWS_OF_EXPORT = 500
# Seconds that counting may take beside the list; what isn't counted by then is "at least".
_COUNTING = 0.05
_LARGEST = 2**63 - 1
#: A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
CHIPS = (
    ("Failures", "outcome:failure"),
    ("Final", "final:true"),
    ("Aborted", "outcome:aborted"),
    ("Last hour", "since:1h"),
    ("Slow", "slower:10s"),
    ("Retries", "-attempt:1"),
)
_COLUMNS = (
    "ended_at started_at enqueued_at outcome kind final attempt max_attempts duration queue_wait name source queue"
    " service environment worker release incident error_type message execution_id job_id root_id args kwargs tags"
).split()
_TIMES = frozenset({"ended_at", "started_at", "enqueued_at"})
_STRUCTURES = frozenset({"args", "kwargs", "tags"})


def executions(site: Site, request: Request) -> Response:
    """``/executions?q=&before=``."""
    text = request.query_params.get("q", "")
    try:
        query, before = parse(text, site.store.now()), _before(request)
    except QueryError as error:
        return _listed(site, request, text, query=Query(text, ()), page=Page(rows=()), problem=str(error))
    page = site.store.executions(query.terms, before=before, limit=_ROWS)
    counted = _counted(site, query, page, from_newest=before is None)
    return _listed(site, request, text, query=query, page=page, counted=counted)


def _counted(site: Site, query: Query, page: Page, *, from_newest: bool) -> Count:
    """How many match, without looking for them a second time where the list says it already."""
    if from_newest and (page.before is None or page.searched_back_to is not None):
        return Count(value=len(page.rows), exact=page.before is None)
    return site.store.count(query.terms, budget=_COUNTING)


def export(site: Site, request: Request) -> Response:
    """``/executions.csv`` and ``/executions.json``: everything that the query matches, the newest first."""
    try:
        query, before = parse(request.query_params.get("q", ""), site.store.now()), _before(request)
    except QueryError as error:
        return PlainTextResponse(f"{visible(str(error))}\n", 400)
    # Trouble with the store shows before anything was sent.
    first = site.store.executions(query.terms, before=before, limit=_ROWS_OF_EXPORT)
    # Whoever asks for the head alone gets no row looked up.
    rows = iter(()) if request.method == "HEAD" else _all(site, query, first)
    if request.url.path.endswith(".csv"):
        return StreamingResponse(
            _in_turn(site, _csv(rows)),
            media_type="text/csv; charset=utf-8",
            headers={"content-disposition": 'attachment; filename="executions.csv"'},
        )
    return StreamingResponse(_in_turn(site, _json(rows)), media_type="application/json")


def _listed(
    site: Site,
    request: Request,
    text: str,
    *,
    query: Query,
    page: Page,
    counted: Count | None = None,
    problem: str | None = None,
) -> Response:
    present = set(text.split())
    chips = [
        (
            name,
            part in present,
            " ".join(each for each in text.split() if each != part) if part in present else f"{text} {part}",
        )
        for name, part in CHIPS
    ]
    return site.page(
        request,
        "executions.html",
        title="Executions",
        here="executions",
        status=400 if problem else 200,
        q=text,
        chips=[(name, active, changed.strip()) for name, active, changed in chips],
        hints=query.hints,
        page=page,
        counted=counted,
        problem=problem,
        paged="before" in request.query_params,
    )


def _before(request: Request) -> int | None:
    given = request.query_params.get("before", "")
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and len(given) <= 19 and int(given) <= _LARGEST):
        raise QueryError(f"before={given[:80]} is no place in the list: follow its link “Older”.")
    return int(given)


def _all(site: Site, query: Query, page: Page) -> Iterator[Execution]:
    yield from page.rows
    while page.before is not None:
        page = site.store.executions(query.terms, before=page.before, limit=_ROWS_OF_EXPORT)
        yield from page.rows


async def _in_turn(site: Site, lines: Iterator[str]) -> AsyncIterator[str]:
    """The lines, many at a time, as searches have their turns: what they come from goes on searching."""
    while piece := await to_thread.run_sync(_piece, lines, limiter=site.searching):
        yield piece


def _piece(lines: Iterator[str]) -> str:
    return "".join(islice(lines, _ROWS_OF_EXPORT))


def _json(rows: Iterable[Execution]) -> Iterator[str]:
    before = "[\n"
    for each in rows:
        yield before + msgspec.json.encode(each).decode()
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _csv(rows: Iterable[Execution]) -> Iterator[str]:
    yield _line(_COLUMNS)
    for each in rows:
        yield _line([_cell(name, getattr(each, name)) for name in _COLUMNS])


def _line(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _cell(name: str, value: object) -> str:
    if value is None:
        return ""
    if name in _TIMES and isinstance(value, float):
        return exact(value)
    if isinstance(value, int | float):
        return str(value)
    text = visible(literal(value) if name in _STRUCTURES else str(value))
    return f"'{text}" if text.startswith(_FORMULA) else text
