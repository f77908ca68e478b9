"""A Sentry client of the reporter's own, beside whatever Sentry the program has."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sentry_sdk
import sentry_sdk.spotlight  # which imports Django where it is installed: not on the lane, when the client is made
from sentry_sdk.client import SDK_INFO
from sentry_sdk.profiler import continuous_profiler
from sentry_sdk.types import Event

from jobreporter import Context, ErrorInfo, Secret, TryAgain, Undeliverable
from jobreporter_sentry._losses import Losses
from jobreporter_sentry._options import SentryOptions
from jobreporter_sentry._transport import TellingTransport


class NotTaken(Exception):  # noqa: N818 - it says what happened to the event
    """Sentry has not taken an event, and may do so later."""


class OwnOutlet:
    """Sends events through a client of its own, and waits until Sentry has answered.

    The SDK sends one event after the other, so the waiting costs nothing; and what could not be sent is known while the
    event is still the lane's, which counts it as failed.
    """

    def __init__(
        self,
        options: SentryOptions,
        dsn: Secret,
        context: Context,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._timeout = options.send_timeout
        self._clock = clock
        # Whether the SDK has something to do that was not waited for, and whether it has been waited for in vain.
        self._unsettled = False
        self._hangs = False
        self.losses = Losses(clock)
        self.client = _client(options, dsn, context)
        transport: Any = self.client.transport
        self._transport: TellingTransport = transport

    def send(self, event: Event, error: ErrorInfo | None = None) -> None:
        """Sends an event, and waits for Sentry's answer, for ``send_timeout`` at most.

        Raises TryAgain if Sentry could not be reached, is in trouble, or has set a limit; Undeliverable if it refuses the
        event.
        """
        event.setdefault("event_id", os.urandom(16).hex())  # by which Sentry knows a repetition
        if pause := self._transport.pause_of(_category(event)):
            raise TryAgain(pause) from NotTaken(f"Sentry has set a limit for another {pause:.0f} s")
        if self.client.capture_event(event) is not None:
            self._unsettled = True
            self._wait(self._timeout)
        self._raise(self._outcome(), _category(event))

    def flush(self) -> None:
        """Waits for what was not waited for, and lets Sentry know of losses. Raises as `send` does."""
        if self._unsettled:
            self._wait(self._timeout)
        failure = self._outcome()
        self.losses.add(())
        self._raise(failure, "error")

    def _raise(self, failure: str | None, category: str) -> None:
        if failure is None:
            return
        if _is_passing(failure):
            raise TryAgain(self._transport.pause_of(category)) from NotTaken(_sentence(failure))
        raise Undeliverable(_sentence(failure))

    def close(self) -> None:
        """Frees thread and connections, and tells of the losses that were not told of yet."""
        self.client.close(timeout=self._timeout if self._unsettled and not self._hangs else 0)
        self._outcome()
        self.losses.tell()

    def _wait(self, timeout: float) -> None:
        late = self._clock() + timeout
        self.client.flush(timeout=timeout)
        if self._clock() >= late:
            self._hangs = True
            raise TryAgain from NotTaken(f"Sentry has not answered within send_timeout = {self._timeout:g} s")
        self._unsettled = False

    def _outcome(self) -> str | None:
        """What the SDK has told since the last time. Returns the last failure."""
        failure = None
        while self._transport.failures:
            failure = self._transport.failures.popleft()
        losses = []
        while self._transport.losses:
            losses.append(self._transport.losses.popleft())
        if losses:
            self._unsettled = True  # Sentry is to be told
            self.losses.add(losses)
        return failure


def _client(options: SentryOptions, dsn: Secret, context: Context) -> sentry_sdk.Client:
    # The SDK would ask git for the release, by starting a process in somebody's worker.
    release = options.release or context.release or os.environ.get("SENTRY_RELEASE")
    with _host_unchanged():
        client = sentry_sdk.Client(
            dsn.reveal(),
            environment=options.environment or context.environment,
            release=release or "",
            dist=options.dist,
            server_name=options.server_name or context.host,
            sample_rate=options.sample_rate,
            max_value_length=options.max_value_length,
            send_client_reports=options.send_client_reports,
            http_proxy=_revealed(options.http_proxy),
            https_proxy=_revealed(options.https_proxy),
            ca_certs=options.ca_certs,
            cert_file=options.cert_file,
            key_file=options.key_file,
            keep_alive=options.keep_alive,
            shutdown_timeout=options.send_timeout,
            transport=TellingTransport,
            default_integrations=False,
            auto_enabling_integrations=False,
            enable_backpressure_handling=False,
            spotlight=False,
        )
    client.options["release"] = release
    return client


@contextmanager
def _host_unchanged() -> Iterator[None]:
    """Keeps what any new client changes for the whole process: the SDK's name in events, and the running profiler."""
    name = SDK_INFO["name"]
    scheduler = getattr(continuous_profiler, "_scheduler", None)
    setattr(continuous_profiler, "_scheduler", None)  # noqa: B010 - a name that the SDK's types don't let go of
    try:
        yield
    finally:
        setattr(continuous_profiler, "_scheduler", scheduler)  # noqa: B010 - as above
        SDK_INFO["name"] = name


def _revealed(secret: Secret | None) -> str | None:
    return None if secret is None else secret.reveal()


def _category(event: Event) -> str:
    """What Sentry counts the event as when it sets limits."""
    return "monitor" if event.get("type") == "check_in" else "error"


def _is_passing(failure: str) -> bool:
    """Whether it may be better in a moment."""
    return failure in {"network", "status_429"} or failure.startswith("status_5")


def _sentence(failure: str) -> str:
    kind, _, status = failure.partition("_")
    if failure == "network":
        return "Sentry could not be reached"
    if kind != "status":
        return f"Sentry's SDK gave up the event: {failure}"
    meaning = _MEANINGS.get(status)
    return f"Sentry answered with status {status}" + (f": {meaning}" if meaning else "")


# What somebody has to do something about.
_MEANINGS = {
    "401": "it does not accept the key of the dsn",
    "403": "the project of the dsn takes nothing from this key",
    "404": "there is no such project at the address of the dsn",
    "413": "the event is too large for it",
}
