"""One kept connection to Honeybadger, and an answer within the time that there is."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import sys
import time
import warnings
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

# urllib3 appends entries to the process's warning filters when it is imported. They are taken out again where nobody else
# has imported it before.
_is_the_hosts = "urllib3" in sys.modules

from urllib3.connection import HTTPConnection, HTTPSConnection  # noqa: E402 - whether it is the host's shows before
from urllib3.exceptions import HTTPError, HTTPWarning  # noqa: E402 - as above

if not _is_the_hosts:
    _filters = cast("list[Any]", warnings.filters)
    for _each in [each for each in _filters if issubclass(each[2], HTTPWarning)]:
        _filters.remove(_each)

#: The most bytes of an answer's body that are read: errors say what is wrong in a sentence.
_LONGEST_BODY = 16 * 1024


class Request(NamedTuple):
    """What to ask."""

    method: str
    #: Below the endpoint.
    path: str
    content_type: str | None = None
    body: bytes | None = None


class Answer(NamedTuple):
    """What the server said."""

    status: int
    #: As it stands in the header, if there is one.
    retry_after: str | None
    #: The beginning of the body.
    body: bytes


class NoAnswer(Exception):  # noqa: N818 - it says what happened
    """The server could not be reached, hung up, or took too long; says which in a few words."""


class Connection:
    """Asks one question after the other over one connection, which is opened when needed and again when it was lost."""

    def __init__(self, endpoint: str, headers: dict[str, str]) -> None:
        parts = urlsplit(endpoint)
        self._path = parts.path.rstrip("/")
        self._headers = headers
        self._connection: HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context()
            self._connection = HTTPSConnection(parts.hostname or "", parts.port, ssl_context=context)
        else:
            self._connection = HTTPConnection(parts.hostname or "", parts.port)
        self._connection.response_class = _PacedResponse

    @property
    def is_kept(self) -> bool:
        """Whether there is a connection from the last question."""
        return self._connection.is_connected

    def ask(self, request: Request, *, connect_timeout: float, timeout: float) -> Answer:
        """The server's answer. Raises NoAnswer if there is none within ``timeout`` seconds, or the connection is lost.

        The status is the answer: if the connection is lost after it, the body is what had come until then, or nothing.
        connect_timeout: seconds for each of the addresses that the server's name stands for.
        """
        end = time.monotonic() + timeout
        connection = self._connection
        try:
            if not connection.is_connected:
                connection.close()
                connection.timeout = min(connect_timeout, timeout)
                connection.connect()
            # What is sent, and what is received, may take all the time that is left.
            self._allow(end - time.monotonic())
            content_type = {} if request.content_type is None else {"Content-Type": request.content_type}
            connection.request(
                request.method,
                self._path + request.path,
                body=request.body,
                headers=self._headers | content_type,
                preload_content=False,
            )
            self._allow(end - time.monotonic())
            response = connection.getresponse()
        except (HTTPError, OSError, http.client.HTTPException) as error:
            connection.close()
            raise NoAnswer(_words(error)) from error
        try:
            body = response.read(_LONGEST_BODY, decode_content=False)
        except (HTTPError, OSError, http.client.HTTPException):
            body = b""
            connection.close()
        if not response.closed:  # there is more of it than anybody wants to read
            response.close()
            connection.close()
        return Answer(response.status, response.headers.get("Retry-After"), body)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _allow(self, seconds: float) -> None:
        if seconds <= 0:
            raise TimeoutError("timed out")
        self._connection.timeout = seconds
        cast("socket.socket", self._connection.sock).settimeout(seconds)


class _PacedResponse(http.client.HTTPResponse):
    """A response that must be read within the socket's timeout as a whole.

    By itself that is the timeout of each read, and a server that sends a byte now and then is waited for endlessly.
    """

    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_Paced(raw, sock))


class _Paced(io.RawIOBase):
    """The bytes of a socket, as long as there is time."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._socket = sock
        self._end = time.monotonic() + (sock.gettimeout() or 0.0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int | None:  # type: ignore[override]  # typeshed knows it as any buffer
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(left)
        return cast("int | None", self._raw.readinto(buffer))

    def close(self) -> None:
        self._raw.close()
        super().close()


def _words(error: Exception) -> str:
    """What went wrong, without the object's address that urllib3 puts before it."""
    text = str(error).rpartition(">: ")[2] or str(error)
    return text or type(error).__name__
