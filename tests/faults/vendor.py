"""A vendor on loopback that is in trouble when a test says so: it answers with an error, or never, or is gone."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from typing import NamedTuple

from tests.loopback import unpacked


class Trouble(NamedTuple):
    """What is answered instead of 200; a status of 0 is never answered."""

    status: int
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed


NO_ANSWER = Trouble(0)


class Posted(NamedTuple):
    """What came: when, on the monotonic clock; unpacked; and what became of it, ``None`` for what was taken."""

    at: float
    body: bytes
    trouble: Trouble | None


class Vendor:
    """Takes what is posted to any path, but for what a test has go wrong: ``soon`` the next ones, ``now`` all of them."""

    def __init__(self) -> None:
        self.posted: list[Posted] = []
        self.soon: deque[Trouble] = deque()
        self.now: Trouble | None = None
        self._connections: list[socket] = []
        self._released = threading.Event()
        self._port = 0
        self._listen()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def taken(self) -> list[bytes]:
        """What it has answered 200 to."""
        return [each.body for each in self.posted if each.trouble is None]

    @contextmanager
    def in_trouble(self, trouble: Trouble | None) -> Iterator[None]:
        """Meanwhile it answers with this; or, with ``None``, nobody listens at its port."""
        self.now = trouble
        if trouble is None:
            self._hang_up()
        yield
        self.now = None
        if trouble is None:
            self._listen()

    def close(self) -> None:
        """Let go of whoever waits, and stop."""
        self._released.set()
        self._hang_up()

    def _listen(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), self._handler())
        self._server.daemon_threads = True
        self._port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="vendor")
        self._thread.start()

    def _hang_up(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for connection in self._connections:
            try:
                connection.shutdown(SHUT_RDWR)
            except OSError:
                pass  # it is closed already
        self._connections.clear()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                vendor._connections.append(self.connection)

            def do_GET(self) -> None:
                self.answer(Trouble(200))

            def do_POST(self) -> None:
                body = unpacked(self.rfile.read(int(self.headers["Content-Length"])))
                trouble = vendor.soon.popleft() if vendor.soon else vendor.now
                vendor.posted.append(Posted(time.monotonic(), body, trouble))
                if trouble is NO_ANSWER:
                    vendor._released.wait(60)
                    self.close_connection = True
                else:
                    self.answer(trouble or Trouble(200))

            def answer(self, answer: Trouble) -> None:
                self.send_response(answer.status)
                for name, value in ({"Content-Length": "2"} | answer.headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        return Handler
