"""Counts events. This is all that happens on the lane for an event."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from jobreporter import Aborted, Event, Failure, Job, Started, Success, one_line
from jobreporter_prometheus._families import (
    ABORTS,
    DURATION,
    EXPECTED,
    FAILURES,
    FINISHED,
    LAST_SUCCESS,
    QUEUE_WAIT,
    RETRIES,
    STARTED,
    Family,
    Key,
)
from jobreporter_prometheus._figures import Figures
from jobreporter_prometheus._histogram import Example
from jobreporter_prometheus._ledger import Ledger
from jobreporter_prometheus._options import KnownJob
from jobreporter_prometheus._running import Run

#: The most characters that a label's value may have.
MOST_CHARACTERS = 200
#: The most that the labels of an exemplar may have together, by OpenMetrics' rules.
MOST_EXEMPLAR = 128 - len("job_id")


class Tally:
    """One process's figures. They are counted on the lane's thread and read on others, so there is a lock."""

    def __init__(self, figures: Figures, ledger: Ledger, known: Iterable[KnownJob]) -> None:
        self._figures = figures
        self._ledger = ledger
        self._lock = threading.Lock()
        for job in known:
            self._know(job)

    def read(self) -> Figures:
        """A copy, with the ledger as it is now."""
        with self._lock:
            self._ledger.count(self._figures)
            return self._figures.copy()

    def started(self, event: Started) -> None:
        """A worker started an execution."""
        labels = labels_of(event.job)
        with self._lock:
            if self._key(STARTED, labels) not in self._figures.counters:
                self._appear(labels)
            self._count(STARTED, labels)
            self._figures.running.begin(event.job.execution_id, Run(self._figures.caps.fit_job(labels), event.at))

    def succeeded(self, event: Success) -> None:
        """It succeeded."""
        labels = labels_of(event.job)
        with self._lock:
            self._end(event, labels, "success")
            self._observe(DURATION, labels, event.duration, event)
            self._observe(QUEUE_WAIT, labels, event.queue_wait, event)
            key = self._key(LAST_SUCCESS, labels)
            self._figures.gauges[key] = max(event.at, self._figures.gauges.get(key, 0.0))

    def aborted(self, event: Aborted) -> None:
        """It was given up."""
        labels = labels_of(event.job)
        with self._lock:
            self._end(event, labels, "aborted")
            self._count(ABORTS, labels, text(event.reason))
            self._observe(DURATION, labels, event.duration, event)
            if event.will_retry:
                self._count(RETRIES, labels)

    def failed(self, event: Failure) -> None:
        """It failed."""
        labels = labels_of(event.job)
        error_type = text(event.error.type.removeprefix("builtins."))
        with self._lock:
            self._end(event, labels, "failure")
            self._count(FAILURES, labels, error_type, word(event.final), example=_example(event, 1.0))
            self._observe(DURATION, labels, event.duration, event)
            self._observe(QUEUE_WAIT, labels, event.queue_wait, event)
            if not event.final:
                self._count(RETRIES, labels)

    def stopped(self, event: Event) -> None:
        """It is over."""
        with self._lock:
            self._figures.running.end(event.job.execution_id)

    def _know(self, known: KnownJob) -> None:
        labels = (text(known.source), text(known.queue), text(known.job))
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

    def _end(self, event: Event, labels: Key, outcome: str) -> None:
        self._figures.running.end(event.job.execution_id)
        self._count(FINISHED, labels, outcome)

    def _count(self, family: Family, labels: Key, *more: str, by: float = 1.0, example: Example | None = None) -> None:
        self._figures.count(self._key(family, labels, *more), by, example)

    def _observe(self, family: Family, labels: Key, seconds: float | None, event: Event) -> None:
        if seconds is not None:
            seconds = max(seconds, 0.0)  # a clock that was set back between two machines
            self._figures.histogram(self._key(family, labels)).observe(seconds, _example(event, seconds))

    def _key(self, family: Family, labels: Key, *more: str) -> Key:
        return self._figures.caps.fit((family.name, *labels, *more))


def labels_of(job: Job) -> Key:
    """The labels that every metric of a job has. A job without a queue has an empty one, which Prometheus takes as none."""
    return (text(job.source), text(job.queue or ""), text(job.name))


def text(value: str) -> str:
    """A label's value: bounded, and without what can't be encoded."""
    return one_line(value, MOST_CHARACTERS)


def word(value: bool) -> str:
    """How a label says yes or no."""
    return "true" if value else "false"


def _example(event: Event, value: float) -> Example | None:
    """The execution as an example of a number; ``None`` if its id is too long for one."""
    job_id = text(event.job.id)
    return Example(job_id, value, event.at) if len(job_id) <= MOST_EXEMPLAR else None
