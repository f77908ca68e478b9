"""The reporter `prometheus`: background jobs as metrics."""

from __future__ import annotations

import logging

from jobreporter import Aborted, Context, Failure, Origin, Started, Stopped, Success, TryAgain, hookimpl
from jobreporter_prometheus._clock import SYSTEM, Clock
from jobreporter_prometheus._figures.figures import Figures, Frame
from jobreporter_prometheus._figures.ledger import Ledger
from jobreporter_prometheus._figures.tally import Tally
from jobreporter_prometheus._options import PrometheusOptions
from jobreporter_prometheus._outlets.gateway import Trouble
from jobreporter_prometheus._outlets.outlet import Outlet, open_outlet

logger = logging.getLogger("jobreporter.prometheus")

#: Seconds for which a flush that goes wrong is tried again before events are counted on.
GRACE = 3.0


class PrometheusReporter:
    """Counts events, and lets the figures leave in the way that the mode says."""

    clock: Clock = SYSTEM
    tally: Tally
    outlet: Outlet

    @hookimpl
    def reporter_start(self, options: PrometheusOptions, context: Context) -> None:
        """Begin to count, and open what the mode needs."""
        self._context = context
        self._keeps = options.shared is not None or options.mode == "http"
        #: How many events were counted since the last flush, and how many flushes have let through without a push.
        self._unsent = self._let_through = 0
        #: Why figures could not leave the last time; empty if they could.
        self._trouble = ""
        #: Whether figures have left since the start, or were tried in vain for as long as they are.
        self._proven = False
        #: Since when a flush has been tried again, on the monotonic clock.
        self._tried_since: float | None = None
        ledger = Ledger(context, goes_on=options.shared is not None, clock=self.clock)
        self.tally = Tally(Figures(Frame.of(options)), ledger, self.clock)
        self.tally.know(options.known, context.origin)
        for each in context.running():
            self.tally.found_running(each.started, each.origin)
        self.outlet = open_outlet(options, self.tally.read, context.host, self.clock)

    @hookimpl
    def handle_started(self, meta: Started, origin: Origin) -> None:
        """Count it."""
        self._unsent += 1
        self.tally.started(meta, origin)

    @hookimpl
    def handle_success(self, meta: Success, origin: Origin) -> None:
        """Count it."""
        self._unsent += 1
        self.tally.succeeded(meta, origin)

    @hookimpl
    def handle_aborted(self, meta: Aborted, origin: Origin) -> None:
        """Count it."""
        self._unsent += 1
        self.tally.aborted(meta, origin)

    @hookimpl
    def handle_failure(self, meta: Failure, origin: Origin) -> None:
        """Count it."""
        self._unsent += 1
        self.tally.failed(meta, origin)

    @hookimpl
    def handle_stopped(self, meta: Stopped) -> None:
        """Count it."""
        self._unsent += 1
        self.tally.stopped(meta)

    @hookimpl
    def reporter_flush(self) -> None:
        """Let the figures leave.

        Where they can't, the flush is tried again, but events don't wait for it for long: they take no room once they are
        counted, and figures that go on counting make up for everything when they leave.
        """
        try:
            self.outlet.flush()
        except OSError as error:
            now = self.clock.monotonic()
            if self._tried_since is None:
                self._tried_since = now
            # A flush that comes again, with nothing new, after it was let through is that of a lane that closes.
            if (self._unsent or not self._proven) and now - self._tried_since < GRACE:
                asked = error.after if isinstance(error, Trouble) else 0.0
                raise TryAgain(min(asked, GRACE)) from error
            self._tried_since, self._proven = None, True
            self._let_through += self._unsent
            self._left(error)
        else:
            self._tried_since = None
            self._left(None)
        self._unsent = 0

    @hookimpl
    def reporter_tick(self) -> None:
        """Do what is due with or without events: what runs has grown older, and somebody has to serve the page."""
        try:
            self.outlet.tick()
        except OSError as error:
            self._left(error)
        else:
            self._left(None)

    @hookimpl
    def reporter_stop(self) -> None:
        """Free what was opened, and tell what is lost with this process."""
        if self._let_through and not self._keeps:
            self._context.lost("not_pushed", self._let_through)
        try:
            if self._works:
                self.outlet.flush()  # after the last flush, the ledger is another one
        except OSError as error:
            logger.debug("what has changed since the last flush can't leave now: %s", error)
        finally:
            self.outlet.stop()

    @property
    def _works(self) -> bool:
        return not self._trouble and self._tried_since is None

    def _left(self, error: OSError | None) -> None:
        """Note whether figures left; tell when they can't, and when they can again."""
        if error is None:
            self._let_through, self._proven = 0, True
        if error is not None and not self._trouble:
            logger.warning("the figures can't leave now, and go on counting: %s", error)
        elif error is None and self._trouble:
            logger.warning("the figures leave again")
        self._trouble = "" if error is None else str(error)
