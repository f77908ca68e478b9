"""What happens to a job, as plain data: `Job` and the five events.

Everything here is frozen and refers to nothing of the user's: no live exception, frame or object. A buffered event
pins no memory, can't change before it is delivered, and means the same in another process. Times are Unix seconds,
durations are seconds. Fields are only added, never renamed or removed within a major version.
"""

from __future__ import annotations

from typing import Any, Literal, cast

import msgspec

from jobreporter.error_info import ErrorInfo

FailureKind = Literal["exception", "timeout", "worker_lost", "exit_code"]
Outcome = Literal["success", "aborted", "failure"]
EventKind = Literal["started", "success", "aborted", "failure", "stopped"]

# What a source calls the reasons it knows; a job's own reason is kept as it is.
ABORT_REASONS = (
    "expired",
    "revoked",
    "cancelled",
    "skipped",
    "locked",
    "rate_limited",
    "ignored",
    "rejected",
    "requeued",
    "replaced",
    "retry_requested",
    "shutdown",
    "missed",
    "unknown",
)


class Job(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One unit of background work, and which attempt at it this is."""

    #: The job's identity in its queue; every attempt has the same.
    id: str
    #: One per attempt and delivery; both sides of a fork derive the same one.
    execution_id: str
    #: What the queue calls the function, such as ``reports.nightly``.
    name: str
    #: Which source reported it: ``celery``, ``rq``, ``huey``, ``command``, ``python``, ...
    source: str
    #: The queue that it was taken from, where there is one.
    queue: str | None = None
    #: Positional arguments, captured as plain data and redacted.
    args: tuple[Any, ...] = ()
    #: Keyword arguments, captured as plain data and redacted.
    kwargs: dict[str, Any] = {}
    #: Counts from 1.
    attempt: int = 1
    #: How many attempts there will be at most, if known.
    max_attempts: int | None = None
    #: When it was put into the queue (Unix seconds).
    enqueued_at: float | None = None
    #: When it was meant to run (Unix seconds).
    scheduled_at: float | None = None
    #: The queue's own number: whether high or low is urgent differs.
    priority: int | None = None
    #: ``host:pid`` of the process that runs it.
    worker: str | None = None
    #: Shared by all the jobs that one request or job led to.
    correlation_id: str | None = None
    #: ``id`` of the first job of the chain.
    root_id: str | None = None
    #: ``id`` of the job that enqueued this one.
    parent_id: str | None = None
    #: The source's own facts, as plain data.
    extra: dict[str, Any] = {}


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="event", tag=str.lower):
    """What every event has. Encoded, its kind is the field ``event``: ``started``, ``success``, ..."""

    job: Job
    #: When it happened (Unix seconds).
    at: float


class Started(Event, frozen=True, kw_only=True, gc=False):
    """A worker starts processing a job."""


class Success(Event, frozen=True, kw_only=True, gc=False):
    """The job completed and nothing failed."""

    #: Seconds since the start; ``None`` where no start was seen.
    duration: float | None = None
    #: Seconds from the later of enqueued and scheduled to the start; ``None`` if unknown.
    queue_wait: float | None = None
    #: Set by the job itself: ``Execution.current().tag(customer="acme")``.
    tags: dict[str, str] = {}


class Aborted(Event, frozen=True, kw_only=True, gc=False):
    """Processing was given up on purpose, by the job or by the system."""

    #: One of `ABORT_REASONS`, or the job's own word.
    reason: str = "unknown"
    #: ``None``: the source can't know.
    will_retry: bool | None = None
    #: Seconds since the start; ``None`` where no start was seen.
    duration: float | None = None
    #: Set by the job itself.
    tags: dict[str, str] = {}


class Failure(Event, frozen=True, kw_only=True, gc=False):
    """This attempt ended in an error."""

    error: ErrorInfo
    #: ``exception``, ``timeout`` (a time limit), ``worker_lost`` (its process died), ``exit_code`` (of a command).
    kind: FailureKind = "exception"
    #: ``None``: the source can't know.
    will_retry: bool | None = None
    #: Seconds until the next attempt, if known.
    retry_delay: float | None = None
    #: The exit status of the process that ended, minus n for signal n; ``None`` where no process ended or it isn't known.
    exit_status: int | None = None
    #: Seconds since the start; ``None`` where no start was seen.
    duration: float | None = None
    #: Seconds from the later of enqueued and scheduled to the start; ``None`` if unknown.
    queue_wait: float | None = None
    #: Set by the job itself.
    tags: dict[str, str] = {}

    @property
    def final(self) -> bool:
        """Whether no further attempt follows.

        That is ``not will_retry``; where the source can't know, ``attempt >= max_attempts`` decides, and without a
        known maximum a failure counts as final.
        """
        if self.will_retry is not None:
            return not self.will_retry
        return self.job.max_attempts is None or self.job.attempt >= self.job.max_attempts


class Stopped(Event, frozen=True, kw_only=True, gc=False):
    """The worker is done with the job, whatever the outcome."""

    outcome: Outcome
    #: Seconds since the start; ``None`` where no start was seen.
    duration: float | None = None


#: Every kind of event, in the order in which an execution may see them.
EVENTS: tuple[type[Event], ...] = (Started, Success, Aborted, Failure, Stopped)

#: The class of each kind by its name, which is also its tag where events are encoded.
KINDS: dict[EventKind, type[Event]] = {cast(EventKind, kind.__struct_config__.tag): kind for kind in EVENTS}

_NAMES: dict[type[Event], EventKind] = {kind: name for name, kind in KINDS.items()}


def kind_of(event: Event) -> EventKind:
    """The name of an event's kind: ``started``, ``success``, ``aborted``, ``failure`` or ``stopped``.

    Raises KeyError for what is none of the five events.
    """
    return _NAMES[type(event)]
