"""Counts events. This is all that happens on the lane for an event."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from jobreporter import Aborted, Event, Failure, Job, Origin, Started, Success, one_line
from jobreporter_prometheus._clock import SYSTEM, Clock
from jobreporter_prometheus._figures.families import (
    ABORTS,
    DURATION,
    EXPECTED,
    FAILURES,
    FINISHED,
    LAST_FAILURE,
    LAST_SUCCESS,
    QUEUE_WAIT,
    RETRIES,
    STARTED,
    Family,
    Key,
)
from jobreporter_prometheus._figures.figures import Figures
from jobreporter_prometheus._figures.histogram import MOST_EXEMPLAR, Example
from jobreporter_prometheus._figures.ledger import Ledger
from jobreporter_prometheus._figures.running import Run
from jobreporter_prometheus._options import KnownJob

#: The most characters that a label's value may have.
MOST_CHARACTERS = 200
#: Seconds. What is said to have taken longer is a broken clock's word.
MOST_SECONDS = 1e9


class Tally:
    """One process's figures. They are counted on the lane's thread and read on others, so there is a lock."""

    def __init__(
        self,
        figures: Figures,
        ledger: Ledger,
        clock: Clock = SYSTEM,
    ) -> None:
        self._figures = figures
        self._ledger = ledger
        self._clock = clock
        self._lock = threading.Lock()

    def read(self) -> Figures:
        """A copy, with the ledger as it is now."""
        with self._lock:
            self._ledger.count(self._figures)
            return self._figures.copy()

    def started(self, event: Started, origin: Origin) -> None:
        """A worker started an execution."""
        labels = labels_of(event.job, origin)
        with self._lock:
            if self._key(STARTED, labels) not in self._figures.counters:
                self._appear(labels)
            self._count(STARTED, labels)
            self._begin(event, labels)

    def found_running(self, event: Started, origin: Origin) -> None:
        """An execution that was counted before this process began is running still."""
        with self._lock:
            self._begin(event, labels_of(event.job, origin))

    def succeeded(self, event: Success, origin: Origin) -> None:
        """It succeeded."""
        labels = labels_of(event.job, origin)
        with self._lock:
            self._end(event, labels, "success")
            self._observe(DURATION, labels, event.duration, event)
            self._observe(QUEUE_WAIT, labels, event.queue_wait, event)
            self._note_last(LAST_SUCCESS, labels, event)

    def aborted(self, event: Aborted, origin: Origin) -> None:
        """It was given up."""
        labels = labels_of(event.job, origin)
        with self._lock:
            self._end(event, labels, "aborted")
            self._count(ABORTS, labels, text(event.reason))
            self._observe(DURATION, labels, event.duration, event)
            if event.will_retry:
                self._count(RETRIES, labels)

    def failed(self, event: Failure, origin: Origin) -> None:
        """It failed."""
        labels = labels_of(event.job, origin)
        error_type = text(event.error.type.removeprefix("builtins."))
        with self._lock:
            self._end(event, labels, "failure")
            self._count(FAILURES, labels, error_type, word(event.final), example=self._example(event, 1.0))
            self._note_last(LAST_FAILURE, labels, event, word(event.final))
            self._observe(DURATION, labels, event.duration, event)
            self._observe(QUEUE_WAIT, labels, event.queue_wait, event)
            if not event.final:
                self._count(RETRIES, labels)

    def stopped(self, event: Event) -> None:
        """It is over."""
        with self._lock:
            self._figures.running.end(event.job.execution_id)

    def know(self, jobs: Iterable[KnownJob], origin: Origin) -> None:
        """Put jobs on the page before they run. origin: whose they are, unless they say so themselves."""
        with self._lock:
            for known in jobs:
                self._know(known, origin)

    def _know(self, known: KnownJob, origin: Origin) -> None:
        service = origin.service if known.service is None else known.service
        environment = origin.environment if known.environment is None else known.environment
        labels = tuple(map(text, (service or "", environment or "", known.source, known.queue, known.job)))
        self._appear(labels)
        for error_type in known.errors:
            for final in (False, True):
                self._count(FAILURES, labels, text(error_type.removeprefix("builtins.")), word(final), by=0)
        for family in (DURATION, QUEUE_WAIT):
            self._figures.histogram(self._key(family, labels))
        if known.every is not None:
            self._figures.gauges[self._key(EXPECTED, labels)] = known.every

    def _appear(self, labels: Key) -> None:
        """Put the counters of a job on the page at zero: a counter that is seen first at 1 has not risen yet."""
        for family in (STARTED, RETRIES):
            self._count(family, labels, by=0)
        for outcome in ("success", "aborted", "failure"):
            self._count(FINISHED, labels, outcome, by=0)

    def _begin(self, event: Started, labels: Key) -> None:
        run = Run(self._figures.caps.fit_job(labels), self._past(event.at))
        self._figures.running.begin(event.job.execution_id, run)

    def _end(self, event: Event, labels: Key, outcome: str) -> None:
        self._figures.running.end(event.job.execution_id)
        self._count(FINISHED, labels, outcome)

    def _count(self, family: Family, labels: Key, *more: str, by: float = 1.0, example: Example | None = None) -> None:
        self._figures.count(self._key(family, labels, *more), by, example)

    def _observe(self, family: Family, labels: Key, seconds: float | None, event: Event) -> None:
        if seconds is not None and seconds <= MOST_SECONDS:
            seconds = max(seconds, 0.0)  # a clock that was set back between two machines
            self._figures.histogram(self._key(family, labels)).observe(seconds, self._example(event, seconds))

    def _note_last(self, family: Family, labels: Key, event: Event, *more: str) -> None:
        key = self._key(family, labels, *more)
        self._figures.gauges[key] = max(self._past(event.at), self._figures.gauges.get(key, 0.0))

    def _past(self, at: float) -> float:
        """The time of something that has happened: a clock that runs ahead would be believed until it is caught up with."""
        now = self._clock.now()
        return at if 0 <= at <= now else now

    def _example(self, event: Event, value: float) -> Example | None:
        """The execution as an example of a number; ``None`` if its id is too long for one."""
        job_id = text(event.job.id)
        return Example(job_id, value, self._past(event.at)) if len(job_id) <= MOST_EXEMPLAR else None

    def _key(self, family: Family, labels: Key, *more: str) -> Key:
        return self._figures.caps.fit((family.name, *labels, *more))


def labels_of(job: Job, origin: Origin) -> Key:
    """The labels that every metric of a job has. What it doesn't have is empty, which Prometheus takes as none.

    The same job of another service or environment is another job.
    """
    where = (text(origin.service or ""), text(origin.environment or ""))
    return (*where, text(job.source), text(job.queue or ""), text(job.name))


def text(value: str) -> str:
    """A label's value: bounded, and without what can't be encoded."""
    return one_line(value, MOST_CHARACTERS)


def word(value: bool) -> str:
    """How a label says yes or no."""
    return "true" if value else "false"
