"""What RQ knows of a job, as the fields of a `Job`; and what the job is stamped with because RQ doesn't keep it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, NamedTuple

from rq.job import Job
from rq.registry import ScheduledJobRegistry
from rq.timeouts import BaseTimeoutException

from jobreporter.sourcekit import LINEAGE, stamped
from jobreporter.sources.rq._stamp import new_stamp, put_stamp, stamp_of

#: The name of a job whose data can't be loaded.
UNREADABLE = "(unreadable)"


def job_fields(job: Job, execution_id: str, worker_name: str | None) -> dict[str, Any]:
    """The fields of `Job` but for what the job calls. RQ changes the job when it ends, so they are read before that."""
    stamp = stamp_of(job)
    left = job.retries_left or 0
    # Retries after an error count down from a maximum that RQ forgets; those that the job asked for count up.
    asked = (job.number_of_retries or 0) - stamp.get("asked", 0)
    attempt = 1 + max(0, stamp.get("retries", left) - left) + max(0, asked)
    lineage = {name: stamp[name] for name in LINEAGE if name in stamp}
    return {
        "source": "rq",
        "id": job.id,
        "execution_id": f"{job.id}:{execution_id}",
        "queue": job.origin,
        "attempt": attempt,
        "max_attempts": attempt + left,
        "enqueued_at": job.enqueued_at.timestamp() if job.enqueued_at else None,
        "scheduled_at": stamp.get("scheduled_at"),
        "extra": _extra(job, worker_name),
        "correlation_id": job.id,
        "root_id": job.id,
        **lineage,
    }


def call_fields(job: Job, *, importing: bool) -> dict[str, Any]:
    """The fields of `Job` that say what it calls. Its data may be anything: that is for RQ to tell.

    importing: the job's module too, which takes its time, for the names of the positional arguments. Without the names
    there is no telling which of them are secret, so they are left out.
    """
    try:
        name, instance = str(job.func_name), job.instance
        call: dict[str, Any] = {"name": name, "kwargs": job.kwargs}
        positional = tuple(job.args)
    except BaseTimeoutException:
        raise
    except Exception:  # whatever the serializer makes of it
        return {"name": UNREADABLE}
    if type(instance) is partial:
        call["name"] = _name_of(instance) or name
    elif instance is not None:
        # Of a class method, RQ keeps the class.
        owner = instance if issubclass(type(instance), type) else type(instance)
        call["name"] = f"{owner.__module__}.{owner.__qualname__}.{name}"
    function = _function(job) if importing else None
    return call if function is None else {**call, "function": function, "args": positional}


def inherit(job: Job, *, new: bool = False) -> None:
    """Stamp a job that is about to be enqueued with what it inherits from the job that this code runs in.

    new: it was made just now, so nothing of it is in Redis.
    """
    stamp = new_stamp(job) if new else stamp_of(job)
    # When it was enqueued RQ itself says.
    lineage = {name: value for name, value in stamped(stamp).items() if name in LINEAGE}
    put_stamp(job, {**stamp, **lineage})


def schedule(job: Job, moment: datetime) -> None:
    """Stamp a job that RQ puts into its schedule for this moment."""
    put_stamp(job, {**stamp_of(job), "scheduled_at": _due(job, moment)})


class Outlook(NamedTuple):
    """What becomes of a job that has failed."""

    will_retry: bool | None
    #: Seconds.
    retry_delay: float | None = None


#: Somebody other than RQ has put it back into a queue or the schedule.
BACK = Outlook(will_retry=True)

#: RQ is done with it.
FINAL = Outlook(will_retry=False)

#: RQ could not save what it meant to do. Later it finds the job abandoned.
UNKNOWN = Outlook(will_retry=None)


def outlook_of(job: Job) -> Outlook:
    """What RQ will do with this job, which is about to fail."""
    return Outlook(will_retry=True, retry_delay=job.get_retry_interval()) if job.should_retry else FINAL


def try_again(job: Job, delay: float | None = None) -> None:
    """Stamp a job that RQ is about to run again. RQ saves that with the rest of it.

    delay: seconds until then; ``None``: RQ will say so when it puts the job into its schedule, if it does.
    """
    stamp = {name: value for name, value in stamp_of(job).items() if name != "scheduled_at"}
    if delay:
        stamp["scheduled_at"] = time.time() + delay
    put_stamp(job, stamp)


def repeat(job: Job) -> None:
    """Stamp a job that RQ is about to repeat. Its attempts begin with one again, where RQ goes on counting retries."""
    try_again(job)
    put_stamp(job, {**stamp_of(job), "retries": job.retries_left or 0, "asked": job.number_of_retries or 0})


def _due(job: Job, moment: datetime) -> float:
    if moment.utcoffset() is not None:
        return moment.timestamp()
    # Which offset a time without a zone has is RQ's own affair, and its versions differ.
    noted = _NotedSchedule()
    ScheduledJobRegistry(job.origin, connection=noted).schedule(job, moment)
    return noted.due


class _NotedSchedule:
    """Stands for Redis where RQ says for when it puts a job into its schedule."""

    due: float

    def zadd(self, _key: str, entries: dict[str, float]) -> None:
        (self.due,) = entries.values()


def _name_of(instance: partial[Any]) -> str | None:
    """The name of what somebody has given some of its arguments, which RQ only knows as what can be called."""
    function = instance.func  # never another partial: those are made one
    has_name = isinstance(function, FunctionType | MethodType | BuiltinFunctionType | type)
    named = function if has_name else type(function)
    module, name = getattr(named, "__module__", None), getattr(named, "__qualname__", None)
    if not (isinstance(module, str) and isinstance(name, str)):
        return None
    return f"{module}.{name}" if has_name else f"{module}.{name}.__call__"


def _function(job: Job) -> Callable[..., Any] | None:
    try:
        function: Callable[..., Any] | None = job.instance if type(job.instance) is partial else job.func
    except BaseTimeoutException:
        raise
    except Exception:
        return None  # what the import of its module raises, it will raise again where RQ does it
    return function


def _extra(job: Job, worker_name: str | None) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    if worker_name:
        extra["worker_name"] = worker_name
    if job.timeout is not None:
        extra["timeout"] = job.timeout
    if job.retries_left:
        # RQ finds a job whose worker is gone, and gives it to another as long as it has retries.
        extra["redelivered"] = True
    # `dependency_ids` without the underscore asks Redis.
    if job._dependency_ids:
        extra["depends_on"] = list(job._dependency_ids)
    if job.group_id:
        extra["group"] = job.group_id
    if job.repeats_left is not None:
        extra["repeats_left"] = job.repeats_left
    return extra
