"""Taking events in: each is looked at once, closed to changes, and weighed in bytes, roughly."""

from __future__ import annotations

from msgspec.structs import force_setattr

from jobreporter._dispatch.checks import check_error, check_event, check_job
from jobreporter._dispatch.hiding import Hiding
from jobreporter._dispatch.measure import NOT_PLAIN, measure
from jobreporter._dispatch.read_only import EMPTY, freeze, freeze_error, freeze_job
from jobreporter._publish.fields import CAPTURED
from jobreporter.events import Event, Failure, Job, Started, Stopped

# Measured with sys.getsizeof on CPython 3.11: a record with its floats, and the short strings in it.
EVENT = 150
JOB = 800

#: Stands where no job does.
NO_JOB = Job(id="", execution_id="", name="", source="")

# Jobs that are remembered, and what they may weigh. Those of one execution share their job, also where executions go on
# side by side.
_REMEMBERED = 1_024
_REMEMBERED_BYTES = 4 << 20


class Scales:
    """Weighs events, and looks at each job once however many events share it.

    hiding: takes out of them first what must not be seen.
    """

    def __init__(self, hiding: Hiding | None = None) -> None:
        self._hiding = hiding
        #: The job that was weighed last, and what an event of it weighs that holds nothing besides.
        self.job = NO_JOB
        self.weight = 0
        #: Whether that job is over, so that nothing more is likely to come of it.
        self.over = True
        #: Others that may go on, and their weights, by their ids: as long as a job is here, no other one has its id.
        self.weights: dict[int, tuple[Job, int]] = {}
        self._bytes = 0

    def weigh(self, event: Event) -> int:
        """Bytes, roughly. Raises TypeError for an event that has something else in a field than belongs there."""
        check_event(event)
        if type(event) is Failure:
            _measured("the error", event.error)  # what isn't plain may be anybody's, and is asked nothing
            check_error(event)
        return self.weigh_own(event)

    def weigh_own(self, event: Event) -> int:
        """Likewise for an event whose own fields are right, as an execution makes them. Its job is looked at all the same."""
        job = event.job
        if job is not self.job:
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

    def put_on(self, job: Job) -> None:
        """Weigh a job. Raises TypeError for one that has something else in a field than belongs there."""
        if not self.over:
            self.remember(self.job, self.weight)
        weighed = self.weights.get(id(job))
        self.put(*(job, self._look_closely(job)) if weighed is None else weighed)

    def put(self, job: Job, weight: int, *, over: bool = False) -> None:
        """Have a job of known weight on the scales."""
        self.job = NO_JOB  # whatever comes in between, no job has the weight of another
        self.weight = weight
        self.over = over
        self.job = job

    def remember(self, job: Job, weight: int) -> None:
        """Know the weight of a job when it comes again."""
        if len(self.weights) >= _REMEMBERED or self._bytes > _REMEMBERED_BYTES:
            self.weights.clear()
            self._bytes = 0
        if id(job) not in self.weights:
            self._bytes += weight
        self.weights[id(job)] = (job, weight)

    def _look_closely(self, job: Job) -> int:
        check_job(job)
        if self._hiding is not None:
            self._hiding.job(job)
        weight = weigh_contents(job)
        if weight == NOT_PLAIN:
            raise _not_plain(next(f"the job's {part}" for part in CAPTURED if measure(getattr(job, part)) == NOT_PLAIN))
        return weight


# A name and a value of a tag, beside their characters.
_TAG = 150


def weigh_contents(job: Job) -> int:
    """What an event of a job weighs whose other fields are right, and close its captured data to changes.

    `NOT_PLAIN`, and nothing closed, if that holds anything but plain data.
    """
    # Most jobs have neither of these, and to measure nothing takes half as long as to measure what they have.
    more = [part for part in (job.kwargs, job.extra) if part]
    size = measure(*job.args, *more)
    if size == NOT_PLAIN:
        return NOT_PLAIN
    freeze_job(job)
    return EVENT + JOB + size


def _measured(part: str, value: object) -> int:
    size = measure(value)
    if size == NOT_PLAIN:
        raise _not_plain(part)
    return size


def _not_plain(part: str) -> TypeError:
    return TypeError(f"{part} must be plain data: None, bool, int, float, str, and tuple, list and dict of these")
