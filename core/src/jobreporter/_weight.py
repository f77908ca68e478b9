"""Roughly how many bytes an event takes while it waits."""

from __future__ import annotations

from jobreporter._capture.measure import NOT_PLAIN, measure
from jobreporter.events import Event, Failure, Job

# Measured with sys.getsizeof on CPython 3.11: a record with its floats, and the short strings in it.
EVENT = 150
JOB = 800


class Scales:
    """Weighs events. Those of one execution share their job, which is weighed once."""

    def __init__(self) -> None:
        #: The job that was weighed last, and what an event of it weighs that holds nothing besides.
        self.job: Job | None = None
        self.weight = 0

    def weigh(self, event: Event) -> int:
        """Bytes, roughly. Raises TypeError for an event that holds more than plain data."""
        job = event.job
        if job is not self.job:
            self.weight = EVENT + _weight_of_job(job)
            self.job = job
        if type(event) is Failure:
            return self.weight + _measured("the error", event.error)
        return self.weight


def _weight_of_job(job: Job) -> int:
    args, kwargs, extra = job.args, job.kwargs, job.extra
    size = measure(*args) if type(args) is tuple else measure(args)
    if size == NOT_PLAIN:
        raise _not_plain("the job's args")
    # Most jobs have neither of these, and to measure nothing takes half as long as to measure what they have.
    if type(kwargs) is not dict or kwargs:
        size += _measured("the job's kwargs", kwargs)
    if type(extra) is not dict or extra:
        size += _measured("the job's extra", extra)
    return JOB + size


def _measured(part: str, value: object) -> int:
    size = measure(value)
    if size == NOT_PLAIN:
        raise _not_plain(part)
    return size


def _not_plain(part: str) -> TypeError:
    return TypeError(f"{part} must be plain data: None, bool, int, float, str, and tuple, list and dict of these")
