"""A Honeybadger on loopback: it checks every field of what it is sent, and answers, or fails, as a test tells it to."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Callable
from typing import Any

import msgspec

from jobreporter.testing import Answer, Conversation, Request, StandIn, hang

from . import schema

KEY = "hbp_0123456789abcdef"

#: What may be done with a request instead of an answer.
Misbehaviour = Callable[[Conversation], object]


class FakeHoneybadger(StandIn):
    """Answers as Honeybadger does, but for the requests that it was told something else of."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        #: What was wrong with what came.
        self.problems: list[str] = []
        #: The most bytes of a notice.
        self.most_bytes = 262_144

    @property
    def notices(self) -> list[Any]:
        """The notices that came, whatever became of them."""
        return [request.json for request in self.of("/v1/notices")]

    def answer(self, request: Request) -> Answer:
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

    def _check(self, request: Request) -> None:
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


def answer_and_hang_up(conversation: Conversation) -> None:
    """Answer as if the connection was kept, and close it then."""
    conversation.say(conversation.stand_in.answer(conversation.stand_in.requests[-1]))
    conversation.close_connection = True


def break_off_body(conversation: Conversation) -> None:
    """Take it, and close the connection in the middle of saying so."""
    conversation.wfile.write(b'HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\n{"id": "6840')
    conversation.close_connection = True


def break_off_headers(conversation: Conversation) -> None:
    """Take it, and close the connection in the middle of the headers."""
    conversation.wfile.write(b"HTTP/1.1 201 Created\r\nContent-Le")
    conversation.close_connection = True


def hang_in_the_body(conversation: Conversation) -> None:
    """Take it, and never finish saying so."""
    conversation.wfile.write(b'HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\n{"id": "6840')
    hang(conversation)


def dribble(conversation: Conversation) -> None:
    """Answer one byte at a time, so that each read succeeds and the answer never ends."""
    conversation.wfile.write(b"HTTP/1.1 201 Created\r\nX-Padding: ")
    try:
        while not conversation.stand_in.released.wait(0.02):
            conversation.wfile.write(b"x")
            conversation.wfile.flush()
    except OSError:
        pass
    conversation.close_connection = True


def ramble(conversation: Conversation) -> None:
    """Send a body that never ends."""
    conversation.wfile.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 1000000000\r\n\r\n")
    try:
        while not conversation.stand_in.released.is_set():
            conversation.wfile.write(b"x" * 65536)
    except OSError:
        pass
    conversation.close_connection = True


def ramble_and_hang(conversation: Conversation) -> None:
    """Send as much of a long body as anybody reads, and no more."""
    conversation.wfile.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 16384)
    hang(conversation)
