"""What one agent does for all: it tells of lost workers, and has the stream remove what nobody needs any more."""

from __future__ import annotations

import logging

from jobreporter._agent.holdings import Holdings
from jobreporter._agent.progress import Progress
from jobreporter._agent.sweeper import EVERY as SWEEP_EVERY
from jobreporter._agent.sweeper import Sweeper
from jobreporter._agent.turns import Turns
from jobreporter._system.clock import Clock
from jobreporter.events import Started
from jobreporter.streams import Retention, Stream

logger = logging.getLogger("jobreporter")

# Seconds between two trims.
_TRIM_EVERY = 5.0
_TASK = ".keeper"


class Keeper:
    """For one thread."""

    def __init__(
        self,
        stream: Stream,
        holdings: Holdings,
        turns: Turns,
        progress: Progress,
        clock: Clock,
        *,
        retention: Retention,
    ) -> None:
        self._stream = stream
        self._holdings = holdings
        self._turns = turns
        self._progress = progress
        self._retention = retention
        self._sweeper = Sweeper(stream, clock, _tell_of_lost)
        self._is_trimming = False

    def turn(self, *, knows_the_time: bool) -> None:
        """Do what there is to do, if that is this agent's. knows_the_time: whether the stream has just told it."""
        if not self._holdings.has_task(_TASK):
            return
        if self._turns.is_due("sweep", SWEEP_EVERY):
            self._sweeper.turn()
        if (knows_the_time or self._is_trimming) and self._turns.is_due("trim", _TRIM_EVERY):
            trimmed = self._stream.trim(self._retention_now())
            for name, count in trimmed.expired.items():
                logger.warning("%d events expired before reporter %r had them", count, name)
            self._is_trimming = trimmed.more
            if trimmed.more:
                self._turns.put_off("trim", 0)

    def interrupted(self) -> None:
        """The stream could not be asked."""
        self._sweeper.interrupted()

    def _retention_now(self) -> Retention:
        """After a clock was set forward, everything seems to be old."""
        retention = self._retention
        advanced = self._progress.was_advanced(max(retention.max_age, retention.forget_after))
        return retention.without_age() if advanced else retention


def _tell_of_lost(started: Started) -> None:
    job = started.job
    logger.warning("the worker %s of job %s (%s) is lost", job.worker or "?", job.name, job.id)
