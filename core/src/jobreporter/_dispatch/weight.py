"""Taking events in: each is looked at once, closed to changes, and weighed in bytes, roughly."""

from __future__ import annotations

from msgspec.structs import force_setattr

from jobreporter._dispatch.checks import check_error, check_event, check_job
from jobreporter._dispatch.hiding import Hiding
from jobreporter._dispatch.measure import NOT_PLAIN, measure
from jobreporter._dispatch.read_only import EMPTY, freeze, freeze_error, freeze_job
from jobreporter._dispatch.usual import UNUSUAL, usual_size
from jobreporter.events import Event, Failure, Job, Started, Stopped

# Measured with sys.getsizeof on CPython 3.11: a record with its floats, and the short strings in it.
EVENT = 150
JOB = 800

# Jobs that are remembered, and what they may weigh. Those of one execution share their job, also where executions go on
# side by side.
_REMEMBERED = 1_024
_REMEMBERED_BYTES = 4 << 20


class Scales:
    """Weighs events, the job of each once. hiding: what of them must not be seen, taken out before."""

    def __init__(self, hiding: Hiding | None = None) -> None:
        self._hiding = hiding
        #: The job that was weighed last, and what an event of it weighs that holds nothing besides.
        self.job: Job | None = None
        self.weight = 0
        self._weights: dict[int, tuple[Job, int]] = {}
        self._bytes = 0

    def weigh(self, event: Event) -> int:
        """Bytes, roughly. Raises TypeError for an event that has something else in a field than belongs there."""
        check_event(event)
        if type(event) is Failure:
            _measured("the error", event.error)  # what isn't plain may be anybody's, and is asked nothing
            check_error(event)
        return self.weigh_own(event)

    def weigh_own(self, event: Event) -> int:
        """Likewise for an event that an execution has made, whose own fields are right."""
        job = event.job
        if job is not self.job or job is None:
            self.put_on(job)
        if type(event) is Started or type(event) is Stopped:
            return self.weight
        if self._hiding is not None:
            self._hiding.outcome(event)
        weight = self.weight
        tags = event.tags  # type: ignore[attr-defined]  # all outcomes have them
        if tags:
            freeze(event, "tags")
            weight += sum(len(name) + len(tag) + _TAG for name, tag in tags.items())
        elif tags is not EMPTY:
            force_setattr(event, "tags", EMPTY)
        if type(event) is Failure:
            weight += _measured("the error", event.error)
            freeze_error(event.error)
        return weight

    def put_on(self, job: Job, *, instead: bool = False) -> None:
        """Weigh a job. Raises TypeError for one that has something else in a field than belongs there.

        instead: the one before is over, so that nothing more is likely to come of it.
        """
        if not instead and self.job is not None:
            self._remember(self.job, self.weight)
        if self._weights:
            known = self._weights.get(id(job))  # as long as a job is remembered, no other one has its id
            if known is not None and known[0] is job:
                self.job, self.weight = known
                return
        size = usual_size(job) if self._hiding is None and type(job) is Job else UNUSUAL
        self.job = None  # whatever comes in between, no job has the weight of another
        self.weight = self._look_closely(job) if size == UNUSUAL else EVENT + JOB + size
        self.job = job

    def _remember(self, job: Job, weight: int) -> None:
        if len(self._weights) >= _REMEMBERED or self._bytes > _REMEMBERED_BYTES:
            self._weights.clear()
            self._bytes = 0
        if id(job) not in self._weights:
            self._bytes += weight
        self._weights[id(job)] = (job, weight)

    def _look_closely(self, job: Job) -> int:
        check_job(job)
        if self._hiding is not None:
            self._hiding.job(job)
        weight = EVENT + _weight_of_job(job)
        freeze_job(job)
        return weight


# A name and a value of a tag, beside their characters.
_TAG = 150


def _weight_of_job(job: Job) -> int:
    args, kwargs, extra = job.args, job.kwargs, job.extra
    size = measure(*args) if args else 0
    if size == NOT_PLAIN:
        raise _not_plain("the job's args")
    # Most jobs have neither of these, and to measure nothing takes half as long as to measure what they have.
    if kwargs:
        size += _measured("the job's kwargs", kwargs)
    if extra:
        size += _measured("the job's extra", extra)
    return JOB + size


def _measured(part: str, value: object) -> int:
    size = measure(value)
    if size == NOT_PLAIN:
        raise _not_plain(part)
    return size


def _not_plain(part: str) -> TypeError:
    return TypeError(f"{part} must be plain data: None, bool, int, float, str, and tuple, list and dict of these")
