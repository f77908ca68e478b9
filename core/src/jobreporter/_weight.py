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
        self._job: Job | None = None
        self._weight = 0

    def weigh(self, event: Event) -> int:
        """Bytes, roughly. Raises TypeError for an event that holds more than plain data."""
        job = event.job
        if job is not self._job:
            self._weight = _weight_of_job(job)
            self._job = job
        if type(event) is Failure:
            return EVENT + self._weight + _measured(event.error, "the error")
        return EVENT + self._weight


def _weight_of_job(job: Job) -> int:
    weight = JOB
    for part in ("args", "kwargs", "extra"):
        if data := getattr(job, part):
            weight += _measured(data, f"the job's {part}")
    return weight


def _measured(data: object, part: str) -> int:
    size = measure(data)
    if size == NOT_PLAIN:
        raise TypeError(f"{part} must be plain data: None, bool, int, float, str, and tuple, list and dict of these")
    return size
