"""Stand-ins for Sentry, on free loopback ports: kent, and a server that answers what a test tells it to."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

Answer = tuple[int, dict[str, str]]


class Kent:
    """A kent server in a process of its own. It keeps the last 100 items."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("kent_server.py")
        self._process = subprocess.Popen(
            [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    @property
    def dsn(self) -> str:
        """Where events to the project 1 go."""
        return f"http://public@127.0.0.1:{self.port}/1"

    def forget(self) -> None:
        """Start empty."""
        self._ask("flush/", b"")

    def items(self, kind: str = "event") -> list[dict[str, Any]]:
        """The bodies of the items of one kind, in the order in which they came: ``event``, ``check_in``, ..."""
        ids = [each["event_id"] for each in self._ask("eventlist/")["events"]]
        payloads = [self._ask(f"event/{each}")["payload"] for each in ids]
        return [payload["body"] for payload in payloads if payload["header"]["type"] == kind]

    def only(self, kind: str = "event") -> dict[str, Any]:
        """The body of the only item of one kind."""
        [item] = self.items(kind)
        return item

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _ask(self, path: str, data: bytes | None = None) -> Any:
        with urlopen(f"http://127.0.0.1:{self.port}/api/{path}", data) as response:
            return json.load(response)


class Loopback:
    """A Sentry that answers the requests for envelopes in turn as it is told, and then with 200.

    ``hang`` makes it answer nothing until `release`.
    """

    def __init__(self, *answers: Answer, hang: bool = False) -> None:
        self.answers = list(answers)
        #: The items of each request that came, as header and body.
        self.requests: list[list[tuple[dict[str, Any], dict[str, Any]]]] = []
        self._released = threading.Event()
        if not hang:
            self._released.set()
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                loopback.requests.append(items(gzip.decompress(body)))
                loopback._released.wait()
                status, headers = loopback.answers.pop(0) if loopback.answers else (200, {})
                self.send_response(status)
                for name, value in ({"Content-Length": "0"} | headers).items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, name="loopback", daemon=True)

    @property
    def dsn(self) -> str:
        """Where events to the project 1 go."""
        return f"http://public@127.0.0.1:{self._server.server_port}/1"

    @property
    def kinds(self) -> list[str]:
        """The kinds of all items that came, in order."""
        return [header["type"] for request in self.requests for header, _ in request]

    def release(self) -> None:
        """Answer from now on."""
        self._released.set()

    @contextmanager
    def serving(self) -> Iterator[Loopback]:
        """Serve meanwhile."""
        self._thread.start()
        try:
            yield self
        finally:
            self.release()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()


def items(envelope: bytes) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The items of an envelope whose bodies are JSON."""
    _, *lines = envelope.splitlines()
    return [(json.loads(header), json.loads(body)) for header, body in zip(lines[::2], lines[1::2], strict=True)]
