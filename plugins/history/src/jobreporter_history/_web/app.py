"""The application: which URL is which page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from jobreporter_history._web.guard import Access, Guard
from jobreporter_history._web.live import Changes
from jobreporter_history._web.pages.execution import execution
from jobreporter_history._web.pages.executions import executions, export
from jobreporter_history._web.pages.incidents import incident, incidents
from jobreporter_history._web.pages.jobs import job, jobs
from jobreporter_history._web.pages.overview import overview
from jobreporter_history._web.pages.upkeep import reporters, schedules
from jobreporter_history._web.site import Site, trouble
from jobreporter_history.store import Store, StoreError

Page = Callable[[Site, Request], Response]
_PAGES: tuple[tuple[str, Page], ...] = (
    ("/", overview),
    ("/incidents", incidents),
    ("/incidents/{incident}", incident),
    ("/executions", executions),
    ("/executions.csv", export),
    ("/executions.json", export),
    ("/x/{execution:path}", execution),
    ("/jobs", jobs),
    ("/job", job),
    ("/schedules", schedules),
    ("/reporters", reporters),
)
#: Pages that search, which may take long.
_SEARCHES: frozenset[Page] = frozenset({executions, export})


def create_app(
    store: Store, root_path: str = "", *, access: Access | None = None, changes: Changes | None = None
) -> ASGIApp:
    """The page as an ASGI application, to be served or mounted.

    root_path: the path under which it is reached, for its links; by default where it is mounted. access: who may ask;
    by default everybody whom the program that mounts it lets through. changes: what tells its listeners to end.
    """
    site = Site(store)
    changes = changes or Changes(store)

    async def listen(request: Request) -> Response:
        return changes.listen() if request.method == "GET" else Response(media_type="text/event-stream")

    routes: list[BaseRoute] = [
        Route(path, _answering(site, page, site.searching if page in _SEARCHES else None)) for path, page in _PAGES
    ]
    routes.append(Route("/events", listen))
    routes.append(Mount("/static", StaticFiles(packages=[("jobreporter_history._web", "static")])))

    async def not_found(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        sentence = "There is no such page." if status == 404 else "This can't be answered."
        return await run_in_threadpool(site.sentence, request, sentence, title="Not found", status=status)

    starlette = Starlette(routes=routes, exception_handlers={HTTPException: not_found})
    starlette.router.redirect_slashes = False
    return Guard(_Rooted(starlette, root_path), access or Access())


class _Rooted:
    """Takes the path under which the site is off each request, whether or not a proxy has done so already."""

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self._app = app
        self._root = "/" + root_path.strip("/") if root_path.strip("/") else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        mounted = scope.get("root_path", "")
        path = _below(self._root, _below(mounted, scope["path"]))
        root = self._root or mounted
        await self._app({**scope, "path": path or "/", "root_path": "", "site_root": root}, receive, send)


def _below(root: str, path: str) -> str:
    return path.removeprefix(root) if path == root or path.startswith(f"{root}/") else path


def _answering(site: Site, page: Page, limiter: CapacityLimiter | None) -> Callable[[Request], Awaitable[Response]]:
    """The page, made on a thread, with a sentence where the store can't be asked."""

    def made(request: Request) -> Response:
        try:
            return page(site, request)
        except StoreError as error:
            return site.sentence(request, trouble(error), title="The store can't be read", status=503)

    async def answer(request: Request) -> Response:
        return await to_thread.run_sync(partial(made, request), limiter=limiter)

    return answer
