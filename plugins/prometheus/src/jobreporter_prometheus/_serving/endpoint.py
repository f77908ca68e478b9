"""A page served over HTTP."""

from __future__ import annotations

import errno
import http.client
import socket
import threading
from hashlib import blake2s
from pathlib import Path

from jobreporter_prometheus import _forked
from jobreporter_prometheus._clock import SYSTEM, Clock
from jobreporter_prometheus._figures.page import Page
from jobreporter_prometheus._serving.answers import OURS, Answers
from jobreporter_prometheus._serving.request import Access
from jobreporter_prometheus._serving.server import Server

#: Seconds that the thread which serves may take to end, or another process to say who it is.
PATIENCE = 1.0
#: How many scrapers may wait to be accepted.
BACKLOG = 128


class Endpoint:
    """Serves the page at any path of a host and port, in a thread of its own."""

    def __init__(
        self, access: Access, port: int, page: Page, directory: Path | None = None, clock: Clock = SYSTEM
    ) -> None:
        self._host = access.host
        self._port = port
        self._clock = clock
        self._identity = identity_of(directory)
        self._answers = Answers(page, access, self._identity, clock)
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        #: The port that it is served on; ``None`` while it isn't.
        self.port: int | None = None

    def open(self) -> None:
        """Serve from now on. Raises OSError where the port can't be had."""
        listener = listen(self._host, self._port)
        server = Server(listener, self._answers, self._clock)
        thread = threading.Thread(target=server.serve, name="jobreporter-prometheus-http", daemon=True)
        try:
            thread.start()
        except BaseException:
            server.close()
            raise
        self._server, self._thread, self.port = server, thread, int(listener.getsockname()[1])
        _forked.remember(self)

    def close(self) -> None:
        """Serve no more, and free the port."""
        server, thread = self._server, self._thread
        self._server = self._thread = self.port = None
        if server is not None and thread is not None:
            _forked.forget(self)
            server.stop()
            thread.join(PATIENCE)
            server.close()

    def let_go(self) -> None:
        """In a forked child: port and connections are the parent's."""
        server, self._server = self._server, None
        self._thread = self.port = None
        if server is not None:
            server.close()

    def is_served_by_another(self) -> bool:
        """Whether a process that shares the directory serves this page at the port, which it has told by a header."""
        asked = http.client.HTTPConnection(connectable(self._host), self._port, timeout=PATIENCE)
        try:
            asked.request("HEAD", "/")
            return bool(self._identity) and asked.getresponse().getheader(OURS) == self._identity
        except (OSError, http.client.HTTPException):
            return False
        finally:
            asked.close()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. An address with colons is one of IPv6."""
    if ":" not in host:
        return socket.create_server((host, port), backlog=BACKLOG)
    dualstack = host == "::" and socket.has_dualstack_ipv6()
    return socket.create_server((host, port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=dualstack)


def connectable(host: str) -> str:
    """An address at which something that listens on this one can be reached from this machine."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - nothing listens there


def identity_of(directory: Path | None) -> str:
    """What tells the page of one directory from that of another, without naming it."""
    return "" if directory is None else blake2s(str(directory.absolute()).encode(), digest_size=16).hexdigest()


def is_taken(error: OSError) -> bool:
    """Whether a port could not be had because somebody else has it."""
    return error.errno == errno.EADDRINUSE
