"""The reporter: from jobreporter's hooks to Honeybadger's notices, check-ins and Insights events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jobreporter import Aborted, Context, Event, Failure, Job, Started, Stopped, Success, hookimpl
from jobreporter_honeybadger._clock import Clock
from jobreporter_honeybadger._insights import line_of
from jobreporter_honeybadger._notice import notice_of
from jobreporter_honeybadger._options import HoneybadgerOptions
from jobreporter_honeybadger._outlet import Outlet
from jobreporter_honeybadger._pause import Account, check
from jobreporter_honeybadger._server import Server

if TYPE_CHECKING:
    from jobreporter_honeybadger._clock import Deadline


class HoneybadgerReporter:
    """Sends each failure as a notice, and by option check-ins and Insights events.

    An event counts as handled once Honeybadger has taken its notice or check-in, and as failed if it would not, or did
    not within ``send_timeout``.
    """

    #: Time and chance; a test may put its own here.
    clock = Clock()

    @hookimpl
    def reporter_start(self, options: HoneybadgerOptions, context: Context) -> None:
        """Nothing is sent yet: a key that the server doesn't know shows with the first thing that is."""
        account = Account(options.endpoint, options.api_key)
        check(account, self.clock)
        self._options = options
        self._server = Server.of(options, context)
        self._outlet = Outlet(account, options.send_timeout, self.clock)

    @hookimpl
    def handle_started(self, meta: Started) -> None:
        with self._noted(meta):
            pass

    @hookimpl
    def handle_success(self, job: Job, meta: Success) -> None:
        with self._noted(meta) as deadline:
            if checkin := self._options.checkins.get(job.name):
                self._outlet.check_in(job.name, checkin, deadline)

    @hookimpl
    def handle_aborted(self, meta: Aborted) -> None:
        with self._noted(meta):
            pass

    @hookimpl
    def handle_failure(self, meta: Failure) -> None:
        with self._noted(meta) as deadline:
            self._outlet.send_notice(notice_of(meta, self._server), deadline)

    @hookimpl
    def handle_stopped(self, meta: Stopped) -> None:
        with self._noted(meta):
            pass

    @hookimpl
    def reporter_flush(self) -> None:
        self._outlet.send_batch(self._outlet.deadline())

    @hookimpl
    def reporter_stop(self) -> None:
        self._outlet.close()

    @contextmanager
    def _noted(self, event: Event) -> Iterator[Deadline]:
        """Have the event wait for Insights if it is of a kind that goes there, and send a full batch when the rest is done."""
        deadline = self._outlet.deadline()
        if type(event).__name__.lower() in self._options.insights:
            self._outlet.batch.add(line_of(event, self._server))
        yield deadline
        if self._outlet.batch.full:
            self._outlet.send_batch(deadline)
