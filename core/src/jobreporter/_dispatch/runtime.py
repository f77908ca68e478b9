"""What of a dispatcher belongs to one process."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jobreporter._capture.patterns import Patterns
from jobreporter._dispatch.dispatcher_log import DispatcherLog
from jobreporter._dispatch.hiding import Hiding
from jobreporter._dispatch.ledger import Ledger
from jobreporter._dispatch.pump import Pump
from jobreporter._lane.flush import Flush
from jobreporter._lane.lane import Lane
from jobreporter._plugins.factory import ReporterFactory
from jobreporter._publish.ingress import Ingress
from jobreporter._system.clock import Clock
from jobreporter.context import Context


class Runtime:
    """The lanes, the pump and the ledger of one process. To make it starts no thread.

    A forked child owns none of its parent's: it makes a runtime of its own, and keeps the parent's only so that nothing in
    it is finalized.
    """

    def __init__(
        self,
        factories: Sequence[ReporterFactory],
        ingress: Ingress,
        context: Callable[[], Context],
        clock: Clock,
        patterns: Sequence[str] = (),
    ) -> None:
        self.lanes = [Lane(factory, context, clock) for factory in factories]
        self.log = DispatcherLog(clock)
        hiding = Hiding(Patterns(patterns, self.log.slow_pattern)) if patterns else None
        self.pump = Pump(ingress, self.lanes, self.log, clock, hiding)
        self.ledger = Ledger(ingress, self.pump)
        #: The flushes that somebody waits for.
        self.flushes: set[Flush] = set()

    def forked(self) -> None:
        """In a forked child: this is the parent's. Whatever of it comes along must end without a word."""
        self.pump.forked()
        for lane in self.lanes:
            lane.forked()
        for flush in self.flushes:
            flush.cancel()

    def end(self) -> None:
        """Close every lane for good, and count what is left."""
        self.pump.quit()  # also one that is only about to run
        for lane in self.lanes:
            lane.end()
        self.pump.give_up()
        self.ledger.sweep()
