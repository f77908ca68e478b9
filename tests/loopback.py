"""A server on loopback that stands in for a vendor: it keeps what it is sent, and answers as it is told."""

from __future__ import annotations

import gzip
import http.server
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Request(NamedTuple):
    """What came in."""

    method: str
    path: str
    headers: dict[str, str]
    #: Unpacked.
    body: bytes


class Loopback:
    """Answers 200 with ``{}``, or never, for as long as ``hangs`` is set."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.hangs = False
        self._released = threading.Event()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="loopback")
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Let go of whoever waits, and stop."""
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        loopback = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                loopback.requests.append(Request(self.command, self.path, dict(self.headers), unpacked(body)))
                if loopback.hangs:
                    loopback._released.wait(60)
                    self.close_connection = True
                    return
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_GET = do_POST = do_PUT = answer  # noqa: N815 - http.server calls them so

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        return Handler


def unpacked(body: bytes) -> bytes:
    """The body as it was before it was compressed for the way."""
    if body.startswith(b"\x1f\x8b"):
        return gzip.decompress(body)
    if body[:1] == b"\x78":
        return zlib.decompress(body)
    return body


@contextmanager
def loopback() -> Iterator[Loopback]:
    """A server for the length of a block."""
    server = Loopback()
    try:
        yield server
    finally:
        server.close()
