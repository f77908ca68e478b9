"""HTTP with urllib, in a time that is bounded as a whole, and to one address.

urllib's own timeout is for each piece that arrives: a server that sends one byte after the other is never through.
"""

from __future__ import annotations

import http.client
import io
import socket
import urllib.request
from collections.abc import Callable
from functools import partial
from typing import Any

from jobreporter_prometheus._clock import Clock


class Countdown:
    """How many seconds are left. Raises TimeoutError when that is asked after them."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._clock = clock
        self._until = clock.monotonic() + seconds

    def left(self) -> float:
        """Seconds, more than 0."""
        left = self._until - self._clock.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left


def bounded_opener(countdown: Countdown) -> urllib.request.OpenerDirector:
    """What opens addresses over HTTP and HTTPS, follows no redirect, and raises TimeoutError when there is no time left."""
    return urllib.request.build_opener(_NoRedirect, _Plain(countdown), _Encrypted(countdown))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like others, and where it leads is not even looked at: it may be no address at all."""

    def http_error_302(self, *_: Any) -> None:
        return None

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302  # type: ignore[assignment]  # all alike


class _Reader(io.RawIOBase):
    """Reads an answer for as long as there is time, however slowly it comes."""

    def __init__(self, connection: socket.socket, countdown: Countdown) -> None:
        self._connection = connection
        self._raw = connection.makefile("rb", buffering=0)
        self._countdown = countdown

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._connection.settimeout(self._countdown.left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """An answer that is read for as long as there is time."""

    def __init__(self, sock: socket.socket, *arguments: Any, countdown: Countdown, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        self.fp.close()
        self.fp = io.BufferedReader(_Reader(sock, countdown))


def _bounded(
    connection: type[http.client.HTTPConnection], countdown: Countdown
) -> Callable[..., http.client.HTTPConnection]:
    def connect(*arguments: Any, **named: Any) -> http.client.HTTPConnection:
        made = connection(*arguments, **named)
        made.response_class = partial(_Answer, countdown=countdown)  # type: ignore[assignment]  # it is called like the class
        return made

    return connect


class _Plain(urllib.request.HTTPHandler):
    """Connections over HTTP that take no longer than they may."""

    def __init__(self, countdown: Countdown) -> None:
        super().__init__()
        self._connect = _bounded(http.client.HTTPConnection, countdown)

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connect, request)


class _Encrypted(urllib.request.HTTPSHandler):
    """The same over TLS, with the usual certificates."""

    def __init__(self, countdown: Countdown) -> None:
        super().__init__()
        self._connect = _bounded(http.client.HTTPSConnection, countdown)

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connect, request)
