"""The reporter: from jobreporter's hooks to Sentry's events and check-ins."""

from __future__ import annotations

from sentry_sdk.types import Event

from jobreporter import Aborted, Context, Failure, Origin, Started, Success, hookimpl
from jobreporter_sentry._checkins import CheckIns
from jobreporter_sentry._events import Events
from jobreporter_sentry._host import HostOutlet
from jobreporter_sentry._options import SentryOptions
from jobreporter_sentry._overlap import Overlap
from jobreporter_sentry._own import OwnOutlet


class SentryReporter:
    """Sends failures to Sentry as errors, and by option aborted jobs and check-ins.

    With a ``dsn``, what Sentry can't take now is sent again later: jobreporter calls with the same event.
    """

    @hookimpl
    def reporter_start(self, options: SentryOptions, context: Context) -> None:
        self._options = options
        self._checkins = CheckIns(options.monitors)
        self._outlet = HostOutlet(options) if options.dsn is None else OwnOutlet(options, options.dsn, context)
        self._events = Events(options, context, self._outlet)
        self._overlap = Overlap(options.dsn)
        # Failures that the program's own client may still capture, until the next flush.
        self._held: list[tuple[Failure, Origin]] = []

    @hookimpl
    def handle_started(self, meta: Started, origin: Origin) -> None:
        self._check_in(self._checkins.started(meta), origin)

    @hookimpl
    def handle_success(self, meta: Success, origin: Origin) -> None:
        self._check_in(self._checkins.success(meta), origin)

    @hookimpl
    def handle_failure(self, meta: Failure, origin: Origin) -> None:
        if not self._overlap.covers(meta):
            if self._overlap.may_come_later(meta):
                self._held.append((meta, origin))
            else:
                self._send(meta, origin)
        self._check_in(self._checkins.failure(meta), origin)

    @hookimpl
    def handle_aborted(self, meta: Aborted, origin: Origin) -> None:
        if self._options.aborted == "message":
            self._outlet.send(self._events.aborted(meta, origin))
        elif self._options.aborted == "breadcrumb":
            self._events.leave_breadcrumb(meta)
        self._check_in(self._checkins.aborted(meta), origin)

    @hookimpl
    def reporter_flush(self) -> None:
        while self._held:
            failure, origin = self._held[0]
            if not self._overlap.covers(failure):
                self._send(failure, origin)
            del self._held[0]
        self._outlet.flush()

    @hookimpl
    def reporter_stop(self) -> None:
        self._outlet.close()

    def _send(self, failure: Failure, origin: Origin) -> None:
        self._outlet.send(self._events.failure(failure, origin), failure.error)

    def _check_in(self, event: Event | None, origin: Origin) -> None:
        if event is not None:
            self._outlet.send(event | self._events.deployment(origin))
            self._checkins.sent(event)
