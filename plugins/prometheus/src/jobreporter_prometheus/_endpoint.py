"""A page served over HTTP."""

from __future__ import annotations

import errno
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterable
from socketserver import TCPServer
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler

from prometheus_client import make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from jobreporter_prometheus import _forked
from jobreporter_prometheus._page import Page

logger = logging.getLogger("jobreporter_prometheus")


class Endpoint:
    """Serves the page at any path of a host and port, in threads of its own."""

    def __init__(self, host: str, port: int, page: Page) -> None:
        self._host = host
        self._port = port
        self._page = page
        self._server: Server | None = None

    @property
    def port(self) -> int | None:
        """The port that it is served on; ``None`` while it isn't."""
        return None if self._server is None else self._server.server_port

    def open(self) -> None:
        """Serve from now on. Raises OSError where the port can't be had."""
        server = family_of(self._host)((self._host, self._port), QuietRequest)
        server.set_app(harmless(make_wsgi_app(self._page.registry)))
        self._server = server
        _forked.remember(self)
        threading.Thread(target=server.serve_forever, name="jobreporter-prometheus-http", daemon=True).start()

    def close(self) -> None:
        """Serve no more, and free the port."""
        server, self._server = self._server, None
        if server is not None:
            _forked.forget(self)
            # The server looks up from waiting for connections only twice a second, or when this wakes it.
            try:
                server.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                logger.debug("a listening socket can't be shut down here", exc_info=True)
            server.shutdown()
            server.server_close()

    def let_go(self) -> None:
        """In a forked child: the port is the parent's."""
        server, self._server = self._server, None
        if server is not None:
            os.close(server.socket.detach())


class Server(ThreadingWSGIServer):
    """As prometheus_client's own, but it asks no name server who the host is, and is silent where a scraper hangs up."""

    def server_bind(self) -> None:
        """Take the port."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection broke."""
        logger.debug("a scrape from %s broke", client_address)


class ServerOfIPv6(Server):
    """The same for an address of IPv6."""

    address_family = socket.AF_INET6


class QuietRequest(WSGIRequestHandler):
    """One request. It isn't logged, and a scraper that sends nothing is hung up on."""

    timeout = 10

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


def family_of(host: str) -> type[Server]:
    """The server for addresses like this."""
    return ServerOfIPv6 if ":" in host else Server


def harmless(app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """The application, with an answer where it fails: the figures may be out of reach for a moment."""

    def answered(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            return app(environ, start_response)
        except Exception as error:
            logger.warning("a scrape failed: %s", error)
            start_response("503 Service Unavailable", [("Content-Type", "text/plain; charset=utf-8")])
            return [b"The figures can't be read now; the log says why.\n"]

    return answered


def is_taken(error: OSError) -> bool:
    """Whether a port could not be had because somebody else has it."""
    return error.errno == errno.EADDRINUSE
