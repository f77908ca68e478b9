"""The vendor: a server on loopback that comes and goes, and writes down what it has taken."""

from __future__ import annotations

import http.server
import sys
import threading
import time
from typing import Any, NamedTuple

import msgspec

from .reporters import REFUSED
from .told import Told, is_poison

#: What it may be like. ``gone``: it hangs up on whoever asks. ``busy``: 503. ``hanging``: it doesn't answer for as long as
#: it is. ``mute``: it takes what it gets, and hangs up without an answer.
MODES = ("up", "gone", "busy", "hanging", "mute")


class Arrival(NamedTuple):
    """An event that a reporter has handed over. at: monotonic seconds. pid: the agent's."""

    at: float
    pid: int
    event: Told


class Taken(NamedTuple):
    """A request that was taken."""

    at: float
    reporter: str


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Agents that are killed hang up as well."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Vendor:
    """For several reporters, each with a mode of its own."""

    def __init__(self, *reporters: str) -> None:
        self.arrivals: dict[str, list[Arrival]] = {name: [] for name in reporters}
        self.modes = dict.fromkeys(reporters, "up")
        #: When it took what, by the name of the request.
        self.taken: dict[str, Taken] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="vendor")
        self._thread.start()

    def url(self, reporter: str) -> str:
        """Where this reporter sends to."""
        return f"http://127.0.0.1:{self._server.server_port}/{reporter}"

    def become(self, reporter: str, mode: str) -> None:
        """Be like that to a reporter from now on."""
        with self._changed:
            self.modes[reporter] = mode
            self._changed.notify_all()

    def close(self) -> None:
        """Let go of whoever waits, and stop."""
        self._closed = True
        for reporter in self.modes:
            self.become(reporter, "gone")
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, reporter: str, pid: int, request: str, events: list[Told]) -> int | None:
        """Returns the status to answer with; ``None``: to hang up."""
        with self._changed:
            mode = self.modes[reporter]
            if mode == "hanging":
                self._changed.wait_for(lambda: self._closed or self.modes[reporter] != "hanging", 60)
                return None
            if mode in ("gone", "busy"):
                return None if mode == "gone" else 503
            if any(is_poison(reporter, event) for event in events):
                return REFUSED
            now = time.monotonic()
            self.arrivals[reporter] += [Arrival(now, pid, event) for event in events]
            self.taken[request] = Taken(now, reporter)
            return None if mode == "mute" else 200

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        vendor = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                if len(body) < length:
                    return  # the agent was killed in the middle of it
                events = msgspec.json.decode(body, type=list[Told])
                status = vendor.take(self.path[1:], int(self.headers["X-Pid"]), self.headers["X-Request"], events)
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        return Handler
