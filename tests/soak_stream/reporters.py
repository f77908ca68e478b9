"""The reporters that agents run: one that collects and sends, one that sends each event, one that writes to a file."""

from __future__ import annotations

import http.client
import os
import secrets
import time
from collections.abc import Callable
from typing import ClassVar
from urllib.parse import urlsplit

import msgspec

from jobreporter import Aborted, Event, Failure, Options, Started, Stopped, Success, TryAgain, Undeliverable, hookimpl

from . import lines
from .told import told

#: What the vendor answers for an event that it will never take.
REFUSED = 422


class To(Options):
    """Where to send, or to write."""

    to: str
    #: Seconds that the vendor has for an answer.
    patience: float = 1.0
    #: The file that names the requests which got none.
    unanswered: str = ""


class VendorDown(Exception):  # noqa: N818 - it says what is the matter
    """The vendor took nothing, or has not said that it did."""


class Refused(Exception):  # noqa: N818 - likewise
    """The vendor will never take something of it."""


class Vendor:
    """A connection to it, which is opened when it is needed."""

    def __init__(self, options: To) -> None:
        parts = urlsplit(options.to)
        self._unanswered = options.unanswered
        self._path = parts.path
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=options.patience)

    def send(self, events: list[Event]) -> None:
        """Returns when the vendor has taken them. Raises VendorDown or Refused."""
        body = msgspec.json.encode([told(event) for event in events])
        request = secrets.token_hex(8)
        try:
            self._connection.request("POST", self._path, body, {"X-Pid": str(os.getpid()), "X-Request": request})
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            # Whether the vendor has taken it, nobody knows here.
            lines.append(self._unanswered, request)
            self._connection.close()
            raise VendorDown(f"{type(error).__name__}: {error}") from None
        if answer.status == REFUSED:
            raise Refused
        if answer.status != http.HTTPStatus.OK:
            raise VendorDown(f"it answered {answer.status}")


class Taking:
    """Has every kind of event taken in the same way."""

    take: ClassVar[Callable[..., None]]

    @hookimpl
    def handle_started(self, meta: Started) -> None:
        self.take(meta)

    @hookimpl
    def handle_success(self, meta: Success) -> None:
        self.take(meta)

    @hookimpl
    def handle_aborted(self, meta: Aborted) -> None:
        self.take(meta)

    @hookimpl
    def handle_failure(self, meta: Failure) -> None:
        self.take(meta)

    @hookimpl
    def handle_stopped(self, meta: Stopped) -> None:
        self.take(meta)


class Notes(Taking):
    """Collects, and sends at each flush. It raises whatever goes wrong."""

    @hookimpl
    def reporter_start(self, options: To) -> None:
        self._vendor = Vendor(options)
        self._kept: list[Event] = []

    def take(self, event: Event) -> None:
        self._kept.append(event)

    @hookimpl
    def reporter_flush(self) -> None:
        if self._kept:
            self._vendor.send(self._kept)
            self._kept.clear()


class Mail(Taking):
    """Sends each event when it comes. It says what is to be tried again, and what never can be sent."""

    @hookimpl
    def reporter_start(self, options: To) -> None:
        self._vendor = Vendor(options)

    def take(self, event: Event) -> None:
        try:
            self._vendor.send([event])
        except VendorDown:
            raise TryAgain from None
        except Refused:
            raise Undeliverable("the vendor refuses it for good") from None


class Book(Taking):
    """Collects, and writes a line into a file at each flush."""

    @hookimpl
    def reporter_start(self, options: To) -> None:
        self._path = options.to
        self._kept: list[Event] = []

    def take(self, event: Event) -> None:
        self._kept.append(event)

    @hookimpl
    def reporter_flush(self) -> None:
        if self._kept:
            lines.append(self._path, [time.monotonic(), os.getpid(), [told(event) for event in self._kept]])
            self._kept.clear()
