"""Answers to scrapers: the page as prometheus_client writes it, made a few times a second at most."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any, NamedTuple

from prometheus_client import make_wsgi_app

from jobreporter_prometheus._clock import SYSTEM, Clock
from jobreporter_prometheus._figures.page import Page
from jobreporter_prometheus._serving.request import Access, Refusal, Request, parse

logger = logging.getLogger("jobreporter.prometheus")

#: Seconds for which a page is good enough for those that come when many do.
FRESH = 1.0
#: How often the same page is made anew in that time. A scraper and a curious operator see figures of the moment.
MOST_MADE = 3
#: The most pages that differ, by format or by what is asked for, that are made in that time.
MOST_PAGES = 8

#: Says that the page is one of jobreporter's, and of which directory.
OURS = "Jobreporter-Directory"

_UNREADABLE = Refusal("400 Bad Request", "This is no request that a scraper sends.")
_BUSY = Refusal("503 Service Unavailable", "Too many pages that differ are asked for.", (("Retry-After", "1"),))
_OUT_OF_REACH = Refusal("503 Service Unavailable", "The figures can't be read now; the log says why.")

Headers = tuple[tuple[str, str], ...]


class Answer(NamedTuple):
    """What is sent back."""

    status: str
    headers: Headers
    body: bytes

    def encode(self, *, head_only: bool = False) -> bytes:
        """As it goes over the wire; the connection is closed after it."""
        named = (*self.headers, ("Content-Length", str(len(self.body))), ("Connection", "close"))
        head = "".join(f"{name}: {value}\r\n" for name, value in named)
        return f"HTTP/1.1 {self.status}\r\n{head}\r\n".encode("latin-1") + (b"" if head_only else self.body)


class Answers:
    """Answers one request after the other. identity: what the header that says whose page it is has in it."""

    def __init__(self, page: Page, access: Access, identity: str = "", clock: Clock = SYSTEM) -> None:
        self._app = make_wsgi_app(page.registry)
        self._access = access
        self._identity = identity
        self._clock = clock
        self._pages: dict[tuple[str, ...], Answer] = {}
        self._made: Counter[tuple[str, ...]] = Counter()
        self._counted_from = 0.0
        self._failing = ""

    def __call__(self, head: bytes) -> bytes:
        """The answer to a request."""
        request = parse(head)
        if request is None:
            return self._refused(_UNREADABLE).encode()
        refusal = self._access.refuses(request)
        answer = self._refused(refusal) if refusal else self._page(request)
        return answer.encode(head_only=request.method == "HEAD")

    def _page(self, request: Request) -> Answer:
        now = self._clock.monotonic()
        if now - self._counted_from >= FRESH:
            self._pages.clear()
            self._made.clear()
            self._counted_from = now
        asked = (
            request.path,
            request.query,
            *(request.headers.get(name, "") for name in ("accept", "accept-encoding")),
        )
        if asked not in self._pages and len(self._pages) >= MOST_PAGES:
            return self._refused(_BUSY)
        if self._made[asked] < MOST_MADE:
            self._made[asked] += 1
            self._pages[asked] = self._make(*asked)
        return self._pages[asked]

    def _make(self, path: str, query: str, accept: str, encoding: str) -> Answer:
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "HTTP_ACCEPT": accept,
            "HTTP_ACCEPT_ENCODING": encoding,
        }
        begun: list[Any] = []
        try:
            body = b"".join(self._app(environ, lambda *status_and_headers: begun.extend(status_and_headers)))
        except Exception as error:  # whatever is wrong with the figures, the next scrape may find them
            self._tell(f"a scrape failed: {error}")
            return self._refused(_OUT_OF_REACH)
        self._tell("")
        return self._answer(begun[0], tuple(begun[1]), body)

    def _refused(self, refusal: Refusal) -> Answer:
        kind = ("Content-Type", "text/plain; charset=utf-8")
        return self._answer(refusal.status, (*refusal.headers, kind), f"{refusal.sentence}\n".encode())

    def _answer(self, status: str, headers: Headers, body: bytes) -> Answer:
        return Answer(status, (*headers, (OURS, self._identity)), body)

    def _tell(self, problem: str) -> None:
        """Log a problem when it begins."""
        if problem and problem != self._failing:
            logger.warning("%s", problem)
        self._failing = problem
