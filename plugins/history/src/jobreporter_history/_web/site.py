"""What every page has: the store, the templates, and the links."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlencode

from anyio import CapacityLimiter
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from jobreporter_history._display import text
from jobreporter_history._display.query import condition, quoted
from jobreporter_history._display.ranges import RANGES, USUAL_RANGE
from jobreporter_history._display.states import status_of
from jobreporter_history._web import axis, charts
from jobreporter_history._web.escape import shown
from jobreporter_history._web.frames import frame_runs
from jobreporter_history.store import KEYS, Execution, Running, Store, StoreError

PAGES = (
    ("", "Overview"),
    ("incidents", "Incidents"),
    ("executions", "Executions"),
    ("jobs", "Jobs"),
    ("schedules", "Schedules"),
    ("reporters", "Reporters"),
)
_AT_A_TIME = 8
# A tag's name that needs no quotation marks.
_PLAIN = re.compile(r"[^\W\d][\w.-]*")


class Links:
    """Every link of the site, under the path where it is."""

    def __init__(self, root_path: str) -> None:
        self._root = quote(root_path.rstrip("/"), safe="/~")

    def __call__(self, path: str = "", **parameters: Any) -> str:
        """A page's URL. Parameters that are ``None`` or empty are left out."""
        given = {name: value for name, value in parameters.items() if value not in {None, ""}}
        query = f"?{urlencode(given, errors='replace')}" if given else ""
        return f"{self._root}/{quote(path, safe='/', errors='replace')}{query}"

    def execution(self, found: Execution | Running) -> str:
        """The page of one execution, whatever is in its id."""
        return f"{self._root}/x/{quote(found.execution_id, safe='', errors='replace')}"

    def job(self, name: str, **more: Any) -> str:
        """The page of a job."""
        return self("job", name=name, **more)

    def search(self, tag: tuple[str, str] | None = None, **wanted: Any) -> str:
        """Executions for which all of these hold. tag: name and value of one."""
        parts = [condition(key, str(value)) for key, value in wanted.items()]
        if tag is not None:
            parts.append(
                condition(quoted(tag[0]) if tag[0] in KEYS or not _PLAIN.fullmatch(tag[0]) else tag[0], tag[1])
            )
        return self("executions", q=" ".join(parts))


def range_of(request: Request) -> str:
    """The range that the URL names, or the usual one."""
    asked = request.query_params.get("range", USUAL_RANGE)
    return asked if asked in RANGES else USUAL_RANGE


class Site:
    """Makes pages out of templates."""

    def __init__(self, store: Store) -> None:
        self.store = store
        #: So many searches are under way at a time: however many are asked for, there are threads for every other page.
        self.searching = CapacityLimiter(_AT_A_TIME)
        self._templates = Environment(
            loader=PackageLoader("jobreporter_history._web"),
            autoescape=True,
            finalize=shown,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(
            number=text.number,
            about=text.about,
            duration=text.duration,
            exact=text.exact,
            size=text.size,
            literal=text.literal,
            visible=text.visible,
        )
        self._templates.globals.update(
            percent=text.percent,
            fact=text.fact,
            span=charts.span,
            recent=charts.recent,
            spark=charts.spark,
            axis_labels=axis.labels,
            status_of=status_of,
            frame_runs=frame_runs,
            ranges=tuple(RANGES),
        )

    def page(
        self, request: Request, template: str, *, title: str, here: str, status: int = 200, **more: Any
    ) -> Response:
        """A page. here: the one of the navigation that it belongs to."""
        now = self.store.now()
        unresolved = self.store.incident_count(("open", "flapping"))
        return self._made(request, template, status, title=title, here=here, now=now, unresolved=unresolved, **more)

    def sentence(
        self, request: Request, sentence: str, *, title: str, status: int, here: str | None = None
    ) -> Response:
        """A page that says one thing, and asks the store nothing."""
        return self._made(
            request, "sentence.html", status, title=title, here=here, now=0.0, unresolved=0, sentence=sentence
        )

    def _made(self, request: Request, template: str, status: int, *, now: float, **more: Any) -> Response:
        made = self._templates.get_template(template).render(
            url=Links(request.scope["site_root"]),
            pages=PAGES,
            now=now,
            q=more.pop("q", ""),
            ago=lambda at: text.ago(at, now),
            clock=lambda at: text.clock(at, now),
            **more,
        )
        return HTMLResponse(made.encode("utf-8", "replace"), status)


def trouble(error: StoreError) -> str:
    """What is wrong with the store, as a sentence."""
    said = str(error)
    return f"{said[:1].upper()}{said[1:]}{'' if said.endswith('.') else '.'}"
