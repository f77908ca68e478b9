"""The reporter `prometheus`: background jobs as metrics."""

from __future__ import annotations

import logging

from jobreporter import Aborted, Context, Failure, Started, Stopped, Success, hookimpl
from jobreporter_prometheus._figures import Figures, Frame
from jobreporter_prometheus._ledger import Ledger
from jobreporter_prometheus._options import PrometheusOptions
from jobreporter_prometheus._outlet import Outlet, open_outlet
from jobreporter_prometheus._tally import Tally

logger = logging.getLogger("jobreporter_prometheus")


class PrometheusReporter:
    """Counts events, and lets the figures leave in the way that the mode says."""

    tally: Tally
    outlet: Outlet
    #: Whether figures have left already, and whether they couldn't the last time.
    proven = False
    failing = False

    @hookimpl
    def reporter_start(self, options: PrometheusOptions, context: Context) -> None:
        """Begin to count, and open what the mode needs."""
        ledger = Ledger(context.stats, goes_on=options.directory is not None)
        self.tally = Tally(Figures(Frame.of(options)), ledger, options.known)
        self.outlet = open_outlet(options, self.tally.read)

    @hookimpl
    def handle_started(self, meta: Started) -> None:
        """Count it."""
        self.tally.started(meta)

    @hookimpl
    def handle_success(self, meta: Success) -> None:
        """Count it."""
        self.tally.succeeded(meta)

    @hookimpl
    def handle_aborted(self, meta: Aborted) -> None:
        """Count it."""
        self.tally.aborted(meta)

    @hookimpl
    def handle_failure(self, meta: Failure) -> None:
        """Count it."""
        self.tally.failed(meta)

    @hookimpl
    def handle_stopped(self, meta: Stopped) -> None:
        """Count it."""
        self.tally.stopped(meta)

    @hookimpl
    def reporter_flush(self) -> None:
        """Let the figures leave.

        Where that can't be done it is told, and no crash: a crash would lose the figures, and they go on counting, so
        that the next time makes up for it. Only an outlet that has never worked is a fault to be seen as one.
        """
        try:
            self.outlet.flush()
        except OSError as error:
            if not self.proven:
                raise
            if not self.failing:
                logger.warning("the figures can't leave now, and go on counting: %s", error)
            self.failing = True
        else:
            if self.failing:
                logger.warning("the figures leave again")
            self.proven, self.failing = True, False

    @hookimpl
    def reporter_stop(self) -> None:
        """Free what was opened."""
        self.outlet.stop()
