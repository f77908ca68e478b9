"""A server on loopback that stands in for a vendor."""

from __future__ import annotations

import gzip
import http.server
import socket
import ssl
import threading
import time
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from jobreporter.testing._answers import Answer, Misbehaviour, Request

_OK = Answer()


class StandIn:
    """An HTTP server on a free port of loopback that keeps what it is sent, and answers as a test tells it to::

        with StandIn() as vendor:
            vendor.next(Answer(503), too_many(retry_after=1))
            send_something_to(vendor.url)
            assert [request.answer.status for request in vendor.requests] == [503, 429, 200]

    What `next` was given is done with the next requests, then `now` with all others, if it is set, and else what `answer`
    says, which a subclass may override: 200 with ``{}``. In place of an `Answer` there may be `hang`, `hang_up`,
    `break_off`, `garbage`, `endless`, or any function that takes the `Conversation`.

    tls: what makes it an HTTPS server.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        #: What came, in order.
        self.requests: list[Request] = []
        #: What to do with every request, as long as it is set.
        self.now: Answer | Misbehaviour | None = None
        #: What to do with the next requests, in order.
        self.script: deque[Answer | Misbehaviour] = deque()
        #: How many connections it was asked for.
        self.connections = 0
        #: How many connections this side has closed.
        self.closed = 0
        #: Set by `release`.
        self.released = threading.Event()
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._port = 0
        self._server: _Server | None = None
        self._listen()

    @property
    def port(self) -> int:
        """The port that it listens at."""
        return self._port

    @property
    def url(self) -> str:
        """Where it listens: scheme, host and port, without a slash at the end."""
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self._port}"

    @property
    def taken(self) -> list[bytes]:
        """The bodies of the requests that it has answered with 2xx."""
        return [request.body for request in self.requests if request.taken]

    def of(self, path: str) -> list[Request]:
        """The requests for what begins with the path."""
        return [request for request in self.requests if request.path.startswith(path)]

    def next(self, *behaviour: Answer | Misbehaviour) -> None:
        """What to do with the next requests, one each, after those that it was told before."""
        self.script.extend(behaviour)

    @contextmanager
    def always(self, behaviour: Answer | Misbehaviour) -> Iterator[None]:
        """Meanwhile, do this with every request."""
        before, self.now = self.now, behaviour
        try:
            yield
        finally:
            self.now = before

    @contextmanager
    def gone(self) -> Iterator[None]:
        """Meanwhile nobody listens at its port, and its connections are closed. Afterwards it listens at the same one."""
        self._stop()
        try:
            yield
        finally:
            self._listen()

    def answer(self, request: Request) -> Answer | Misbehaviour:
        """What a request gets that a test has said nothing about. A subclass may look at it, and answer as the vendor would.

        The request's own ``answer`` is not known yet, and says 200.
        """
        return _OK

    def release(self) -> None:
        """Let go of whoever `hang` or `endless` holds, from now on."""
        self.released.set()

    def close(self) -> None:
        """Let go of whoever waits, and stop listening. Closing again does nothing."""
        self.release()
        self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _listen(self) -> None:
        self._server = _Server(self, self._port, self._tls)
        self._port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="stand-in", daemon=True)
        self._thread.start()

    def _stop(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        server.shutdown()
        self._thread.join()
        server.server_close()
        for connection in [*self._open]:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it is closed already

    def _take(self, conversation: Conversation, body: bytes) -> Answer | Misbehaviour:
        """Keep what came. Returns what to do with it."""
        request = Request(
            method=conversation.command,
            path=conversation.path,
            headers=dict(conversation.headers),
            body=unpacked(body),
            at=time.monotonic(),
            connection=conversation.number,
            answer=_OK,
        )
        behaviour = self.script.popleft() if self.script else self.now or self.answer(request)
        self.requests.append(request._replace(answer=behaviour))
        return behaviour


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, stand_in: StandIn, port: int, tls: ssl.SSLContext | None) -> None:
        self.stand_in = stand_in
        self.tls = tls
        super().__init__(("127.0.0.1", port), Conversation)

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.tls is None:
            super().finish_request(request, client_address)
        else:
            with self.tls.wrap_socket(request, server_side=True) as secure:
                super().finish_request(secure, client_address)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.stand_in._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.stand_in._open.discard(request)
        super().shutdown_request(request)
        self.stand_in.closed += 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no news."""


class Conversation(http.server.BaseHTTPRequestHandler):
    """One connection to a `StandIn`, as a misbehaviour gets it: the standard library's handler, and a few things more.

    ``conversation.wfile`` takes raw bytes, and ``conversation.close_connection = True`` closes it after that.
    """

    protocol_version = "HTTP/1.1"
    # An answer goes out in two pieces, of which the second would wait for 40 ms.
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        """Called by the standard library for each connection."""
        super().setup()
        #: The stand-in that it is with.
        self.stand_in = self.server.stand_in
        self.stand_in.connections += 1
        #: Which of the connections it is, counted from 1.
        self.number = self.stand_in.connections

    def say(self, answer: Answer) -> None:
        """Answer."""
        if answer.delay:
            self.stand_in.released.wait(answer.delay)
        self.send_response(answer.status)
        for name, value in ({"Content-Length": str(len(answer.body))} | answer.headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        behaviour = self.stand_in._take(self, body)
        if isinstance(behaviour, Answer):
            self.say(behaviour)
        else:
            behaviour(self)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _any  # noqa: N815 - http.server looks for them

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing: a test's output is for other things."""


def unpacked(body: bytes) -> bytes:
    """The body as it was before it was compressed for the way, with gzip or zlib; any other as it is."""
    try:
        if body.startswith(b"\x1f\x8b"):
            return gzip.decompress(body)
        if body[:1] == b"\x78":
            return zlib.decompress(body)
    except (OSError, zlib.error, EOFError):
        pass  # it only looked like that
    return body
