"""A Honeybadger on loopback: it checks every field of what it is sent, and answers, or fails, as a test tells it to."""

from __future__ import annotations

import http.server
import json
import re
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from . import schema

KEY = "hbp_0123456789abcdef"

#: Seconds. Reached only where something is broken.
PATIENCE = 20.0


class Received(NamedTuple):
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    #: Which of the connections it came over, counted from 1.
    connection: int

    @property
    def json(self) -> Any:
        """The body, if it is one JSON value."""
        return json.loads(self.body)

    @property
    def lines(self) -> list[Any]:
        """The body, if it is one JSON value a line."""
        return [json.loads(line) for line in self.body.splitlines()]


class Answer(NamedTuple):
    """What a request is answered with."""

    status: int
    body: bytes = b"{}"
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed


#: What may be done with a request instead of an answer: given the connection's handler.
Misbehaviour = Callable[["Handler"], None]


class FakeHoneybadger:
    """Answers as Honeybadger does, but for the requests that ``script`` says something else of, the next one first."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Received] = []
        #: What was wrong with what came.
        self.problems: list[str] = []
        self.script: deque[Answer | Misbehaviour] = deque()
        #: The most bytes of a notice.
        self.most_bytes = 262_144
        self.connections = 0
        #: How many connections this side has closed.
        self.closed = 0
        self.released = threading.Event()
        self._scheme = "http" if tls is None else "https"
        self._server = _Server(self, tls)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="honeybadger")
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        """Let go of whoever waits, and stop."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def of(self, path: str) -> list[Received]:
        """The requests for what begins with the path."""
        return [request for request in self.requests if request.path.startswith(path)]

    @property
    def notices(self) -> list[Any]:
        """The notices that came, whatever became of them."""
        return [request.json for request in self.of("/v1/notices")]

    def answer(self, request: Received) -> Answer:
        """What Honeybadger would say."""
        if request.headers.get("X-API-Key") != KEY:
            return Answer(403, b'{"error": "Forbidden: the key %s is unknown"}' % request.headers["X-API-Key"].encode())
        try:
            self._check(request)
        except (msgspec.DecodeError, _Wrong) as error:
            self.problems.append(f"{request.method} {request.path}: {error}")
            return Answer(422, json.dumps({"errors": str(error)}).encode())
        if request.path == "/v1/notices" and len(request.body) > self.most_bytes:
            return Answer(413, b'{"error": "too large"}')
        if request.path.startswith("/v1/check_in/"):
            return Answer(200)
        return Answer(201, b'{"id": "6840eec9-6903-4f13-b511-b91ee46fda6a"}')

    def _check(self, request: Received) -> None:
        ask = f"{request.method} {re.sub('[^/]+$', 'ID', request.path) if 'check_in' in request.path else request.path}"
        kind = request.headers.get("Content-Type")
        match ask, kind:
            case "POST /v1/notices", "application/json":
                schema.check_notice(request.body)
            case "POST /v1/events", "application/x-ndjson":
                schema.check_lines(request.body)
                if len(request.body) > 102_400:
                    raise _Wrong(f"{len(request.body)} bytes")
            case "GET /v1/check_in/ID", None:
                pass
            case _:
                raise _Wrong(f"nobody asks for {ask} with {kind}")
        if request.headers.get("Accept") != "application/json":
            raise _Wrong("Accept")
        if not schema.USER_AGENT.match(request.headers.get("User-Agent", "")):
            raise _Wrong(request.headers.get("User-Agent", "no User-Agent"))


class _Wrong(Exception):  # noqa: N818 - it says what the request is
    pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, fake: FakeHoneybadger, tls: ssl.SSLContext | None) -> None:
        self.fake = fake
        self.tls = tls
        super().__init__(("127.0.0.1", 0), Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.tls is None:
            super().finish_request(request, client_address)
        else:
            with self.tls.wrap_socket(request, server_side=True) as secure:
                super().finish_request(secure, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.fake.closed += 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no news."""


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: _Server
    connection: socket.socket

    def setup(self) -> None:
        super().setup()
        self.fake = self.server.fake
        self.fake.connections += 1
        self.number = self.fake.connections

    def do_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Received(self.command, self.path, dict(self.headers), body, self.number)
        self.fake.requests.append(request)
        next_one = self.fake.script.popleft() if self.fake.script else self.fake.answer(request)
        if isinstance(next_one, Answer):
            self.say(next_one)
        else:
            next_one(self)

    do_GET = do_POST = do_PUT = do_DELETE = do_any  # noqa: N815 - the names that http.server looks for

    def say(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def hang(handler: Handler) -> None:
    """Never answer."""
    handler.fake.released.wait(PATIENCE)
    handler.close_connection = True


def hang_up(handler: Handler) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True


def answer_and_hang_up(handler: Handler) -> None:
    """Answer as if the connection was kept, and close it then."""
    handler.say(handler.fake.answer(handler.fake.requests[-1]))
    handler.close_connection = True


def break_off(handler: Handler) -> None:
    """Take it, and close the connection in the middle of saying so."""
    handler.wfile.write(b'HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\n{"id": "6840')
    handler.close_connection = True


def break_off_early(handler: Handler) -> None:
    """Close the connection in the middle of the status."""
    handler.wfile.write(b"HTTP/1.1 20")
    handler.close_connection = True


def break_off_headers(handler: Handler) -> None:
    """Take it, and close the connection in the middle of the headers."""
    handler.wfile.write(b"HTTP/1.1 201 Created\r\nContent-Le")
    handler.close_connection = True


def hang_in_the_body(handler: Handler) -> None:
    """Take it, and never finish saying so."""
    handler.wfile.write(b'HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\n{"id": "6840')
    hang(handler)


def talk_nonsense(handler: Handler) -> None:
    """Answer in no known language."""
    handler.wfile.write(b"\x15\x03\x01\x00\x02\x02\x16\r\n\r\n")
    handler.close_connection = True


def dribble(handler: Handler) -> None:
    """Answer one byte at a time, so that each read succeeds and the answer never ends."""
    handler.wfile.write(b"HTTP/1.1 201 Created\r\nX-Padding: ")
    try:
        while not handler.fake.released.wait(0.02):
            handler.wfile.write(b"x")
            handler.wfile.flush()
    except OSError:
        pass
    handler.close_connection = True


def ramble(handler: Handler) -> None:
    """Send a body that never ends."""
    handler.wfile.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 1000000000\r\n\r\n")
    try:
        while not handler.fake.released.is_set():
            handler.wfile.write(b"x" * 65536)
    except OSError:
        pass
    handler.close_connection = True


def ramble_and_hang(handler: Handler) -> None:
    """Send as much of a long body as anybody reads, and no more."""
    handler.wfile.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 16384)
    hang(handler)
