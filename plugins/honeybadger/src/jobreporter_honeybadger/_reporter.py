"""The reporter: from jobreporter's hooks to Honeybadger's notices, check-ins and Insights events."""

from __future__ import annotations

import time

from jobreporter import Aborted, Context, Event, Failure, Job, Origin, Started, Stopped, Success, hookimpl, kind_of
from jobreporter_honeybadger._account import Account, check
from jobreporter_honeybadger._insights import line_of
from jobreporter_honeybadger._notice import notice_of
from jobreporter_honeybadger._options import HoneybadgerOptions
from jobreporter_honeybadger._outlet import Outlet
from jobreporter_honeybadger._server import Server


class HoneybadgerReporter:
    """Sends each failure as a notice, and by option check-ins and Insights events.

    Where Honeybadger can't take something now, jobreporter calls again with the same event: a handler that asks for that
    has kept nothing of it.
    """

    @hookimpl
    def reporter_start(self, options: HoneybadgerOptions, context: Context) -> None:
        """Nothing is sent yet: a key that the server doesn't know shows with the first thing that is."""
        account = Account(options.endpoint, options.api_key)
        check(account)
        self._options = options
        self._context = context
        self._outlet = Outlet(account, options.send_timeout)

    @hookimpl
    def handle_started(self, meta: Started, origin: Origin) -> None:
        self._note(meta, origin)

    @hookimpl
    def handle_success(self, job: Job, meta: Success, origin: Origin) -> None:
        self._make_room()
        # It bears no time: Honeybadger takes it for now. After an outage, or out of a backlog, that may no longer be true.
        checkin = self._options.checkins.get(job.name)
        if checkin and time.time() - meta.at <= self._options.checkin_margin:
            self._outlet.check_in(job.name, checkin)
        self._note(meta, origin)

    @hookimpl
    def handle_aborted(self, meta: Aborted, origin: Origin) -> None:
        self._note(meta, origin)

    @hookimpl
    def handle_failure(self, meta: Failure, origin: Origin) -> None:
        self._make_room()
        self._outlet.send_notice(notice_of(meta, self._server(origin), self._context.link(meta.job)))
        self._note(meta, origin)

    @hookimpl
    def handle_stopped(self, meta: Stopped, origin: Origin) -> None:
        self._note(meta, origin)

    @hookimpl
    def reporter_flush(self) -> None:
        self._outlet.send_batch()

    @hookimpl
    def reporter_stop(self) -> None:
        self._outlet.close()

    def _server(self, origin: Origin) -> Server:
        return Server.of(self._options, origin, self._context.origin)

    def _make_room(self) -> None:
        """Send a full batch first: if that can't be done now, nothing of the event has been sent yet."""
        if self._outlet.batch.full:
            self._outlet.send_batch()

    def _note(self, event: Event, origin: Origin) -> None:
        """Have the event wait for Insights if it is of a kind that goes there."""
        if kind_of(event) in self._options.insights:
            self._make_room()
            self._outlet.batch.add(line_of(event, self._server(origin)))
