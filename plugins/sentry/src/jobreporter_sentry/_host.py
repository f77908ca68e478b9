"""The Sentry client that the program has made for itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial

import sentry_sdk
from sentry_sdk.client import BaseClient
from sentry_sdk.transport import Http2Transport, HttpTransport, Transport
from sentry_sdk.types import Event

from jobreporter import BrokenReporter, ErrorInfo
from jobreporter_sentry import _forks
from jobreporter_sentry._aside import Aside
from jobreporter_sentry._options import SentryOptions

logger = logging.getLogger("jobreporter.sentry")

# Seconds that a fork may have to wait for a flush: between such slices it gets its turn.
_SLICE = 0.1

# Those that keep the time that a flush is given. One of the program's own may not.
_PUNCTUAL = (HttpTransport, Http2Transport)


class HostOutlet:
    """Hands events to the program's own client, and changes nothing about that.

    It is the program's: its settings count, it sends in its own time, and what it loses it tells Sentry alone.
    """

    def __init__(self, options: SentryOptions, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._timeout = options.send_timeout
        self._clock = clock
        self._aside = Aside()
        # Whether it was told that a flush does not come back.
        self._told = False
        self.client  # noqa: B018 - raises, if there is none

    @property
    def client(self) -> BaseClient:
        """The client as it is now. Raises BrokenReporter if there is none."""
        client = sentry_sdk.get_client()
        if not client.is_active():
            raise BrokenReporter(
                "no Sentry client is active in this process: call sentry_sdk.init() first, or set the option dsn"
            )
        if client.transport is None and client.spotlight is None:
            raise BrokenReporter("the program's own Sentry client is closed or has no DSN, so it sends nothing")
        return client

    def send(self, event: Event, error: ErrorInfo | None = None) -> None:
        """Hands over an event, with its error as an exception for the program's ``before_send`` and ``ignore_errors``."""
        hint = {}
        if error is not None:
            exception = error.to_exception()
            hint["exc_info"] = (type(exception), exception, exception.__traceback__)
        # What the program says of all its events, and nothing of whoever started this thread.
        scope = sentry_sdk.get_global_scope().fork()
        with _forks.no_fork():
            client = self.client
            if client.transport is not None:
                _forks.given(client.transport)
            client.capture_event(event, hint, scope)

    def flush(self) -> None:
        """Waits until the client has sent what it has, for ``send_timeout`` at most.

        A transport of the program's own that is still not through with an earlier flush isn't waited for again.
        """
        if self._aside.is_out:
            return
        deadline = self._clock() + self._timeout
        while not self._is_flushed(deadline) and self._clock() < deadline:
            pass
        if not self._aside.is_out:
            self._told = False
        elif not self._told:
            self._told = True
            logger.warning(
                "the program's own Sentry transport, %s, has not come back from its flush within send_timeout = %g s:"
                " until it does, events are handed to it, and nobody waits for them",
                _name(self.client.transport),
                self._timeout,
            )

    def close(self) -> None:
        """Does nothing: the client is the program's."""

    def _is_flushed(self, deadline: float) -> bool:
        pending: list[int] = []
        with _forks.no_fork():
            client = self.client
            slice_ = min(_SLICE, max(0.0, deadline - self._clock()))
            flush = partial(client.flush, timeout=slice_, callback=lambda count, timeout: pending.append(count))
            if client.transport is None or type(client.transport) in _PUNCTUAL:
                flush()
            else:
                self._aside.make(flush)
                if not self._aside.wait(slice_):
                    return False
            if slice_ and not pending and client.transport is not None:
                _forks.sent(client.transport)
        return not pending


def _name(transport: Transport | None) -> str:
    kind = type(transport)
    return f"{kind.__module__}.{kind.__qualname__}"
