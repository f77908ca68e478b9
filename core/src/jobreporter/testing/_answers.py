"""What a stand-in does with a request: answers it, or does something that no client should have to bear."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

if TYPE_CHECKING:
    from jobreporter.testing._stand_in import Conversation

#: Seconds after which nothing is held any longer. Reached only where something is broken.
PATIENCE = 60.0


class Answer(NamedTuple):
    """An HTTP answer, ``Answer(503)``.

    status: its number. body: what it carries. headers: beside ``Content-Length``, which is worked out unless it is among
    them. delay: the seconds before it is given.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed
    delay: float = 0.0

    @property
    def good(self) -> bool:
        """Whether it says that the request was taken."""
        return 200 <= self.status < 300


#: May be done with a request instead of an answer, given the conversation with whoever asked.
Misbehaviour = Callable[["Conversation"], object]


class Request(NamedTuple):
    """What a stand-in was sent, and what it did with it."""

    method: str
    path: str
    #: By name, as the client spelled it.
    headers: dict[str, str]
    #: As it was before it was compressed for the way.
    body: bytes
    #: When it had come, in seconds of `time.monotonic`.
    at: float
    #: Which of the connections it came over, counted from 1.
    connection: int
    #: What it was answered with, or what was done instead.
    answer: Answer | Misbehaviour

    @property
    def taken(self) -> bool:
        """Whether its answer said that it was taken."""
        return isinstance(self.answer, Answer) and self.answer.good

    @property
    def json(self) -> Any:
        """The body, if it is one JSON value."""
        return msgspec.json.decode(self.body)

    @property
    def lines(self) -> list[Any]:
        """The body, if it is one JSON value a line."""
        return [msgspec.json.decode(line) for line in self.body.splitlines()]


def too_many(retry_after: float) -> Answer:
    """429, which asks for a pause of so many seconds."""
    return Answer(429, headers={"Retry-After": f"{retry_after:g}"})


def redirect(url: str, status: int = 307) -> Answer:
    """Somewhere else is right. By default the client should send the same there, body included."""
    return Answer(status, b"", {"Location": url})


def hang(conversation: Conversation) -> None:
    """Never answer; until the stand-in is told to let go, at least."""
    conversation.stand_in.released.wait(PATIENCE)
    conversation.close_connection = True


def hang_up(conversation: Conversation) -> None:
    """Close the connection without an answer."""
    conversation.close_connection = True


def break_off(conversation: Conversation) -> None:
    """Close the connection in the middle of the first line of the answer."""
    conversation.wfile.write(b"HTTP/1.1 20")
    conversation.close_connection = True


def garbage(conversation: Conversation) -> None:
    """Answer in no known language."""
    conversation.wfile.write(b"\x15\x03\x01\x00\x02\x02\x16\r\n\r\n")
    conversation.close_connection = True


def endless(conversation: Conversation) -> None:
    """Answer with a body that goes on for as long as anybody reads."""
    conversation.close_connection = True
    end = time.monotonic() + PATIENCE
    try:
        conversation.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
        while not conversation.stand_in.released.is_set() and time.monotonic() < end:
            conversation.wfile.write(b"x" * 65536)
    except OSError:
        pass  # nobody reads any more
