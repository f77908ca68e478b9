"""What RQ knows of a job, as the fields of a `Job`; and what is written into ``job.meta`` because RQ doesn't keep it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from rq.job import Job
from rq.timeouts import BaseTimeoutException

from jobreporter.sources._stamp import KEY, fields_of, stamped

#: The name of a job whose data can't be loaded.
UNREADABLE = "(unreadable)"

#: What RQ puts into the meta of a job whose meta it can't load.
_UNREADABLE_META = "unserialized"


def facts_of(job: Job, execution_id: str, worker_name: str | None) -> dict[str, Any]:
    """The fields of `Job` but for what the job calls. RQ changes the job when it ends, so they are read before that."""
    stamp = _stamp(job)
    left = job.retries_left or 0
    # Retries after an error count down from a maximum that RQ forgets; those that the job asked for count up.
    attempt = 1 + max(0, stamp.get("retries", left) - left) + (job.number_of_retries or 0)
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
        **{field: value for field, value in fields_of(stamp).items() if field != "enqueued_at"},
    }


def call_of(job: Job, *, importing: bool) -> dict[str, Any]:
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
    if instance is not None:
        call["name"] = f"{type(instance).__module__}.{type(instance).__qualname__}.{name}"
    function = _function(job) if importing else None
    return call if function is None else {**call, "function": function, "args": positional}


def inherit(job: Job) -> None:
    """Stamp a job that is about to be enqueued with what it inherits from the job that this code runs in."""
    stamp = _stamp(job)
    # When it was enqueued RQ itself says.
    lineage = {name: value for name, value in stamped(stamp).items() if name != "enqueued_at"}
    _put_stamp(job, {**stamp, **lineage})


def schedule(job: Job, moment: datetime) -> None:
    """Stamp a job that RQ enqueues at this moment."""
    _put_stamp(job, {**_stamp(job), "scheduled_at": moment.timestamp()})


class Outlook(NamedTuple):
    """What becomes of a job that has failed."""

    will_retry: bool
    #: Seconds.
    retry_delay: float | None = None


#: RQ is done with it.
FINAL = Outlook(will_retry=False)


def prepare_failure(job: Job) -> Outlook:
    """What RQ will do with this job, which is about to fail. If that is to run it again, the job is stamped for it."""
    if not job.should_retry:
        return FINAL
    delay = job.get_retry_interval()
    try_again(job, delay)
    return Outlook(will_retry=True, retry_delay=delay)


def try_again(job: Job, delay: float) -> None:
    """Stamp a job that RQ is about to run again, ``delay`` seconds from now. RQ saves that with the rest of it."""
    stamp = {name: value for name, value in _stamp(job).items() if name != "scheduled_at"}
    if job.retries_left is not None:
        stamp.setdefault("retries", job.retries_left)
    if delay:
        stamp["scheduled_at"] = time.time() + delay
    _put_stamp(job, stamp)


def _stamp(job: Job) -> dict[str, Any]:
    """What the job's meta says of ours. It comes from outside: of what we count with, only numbers are taken."""
    meta: object = job.meta
    stamp = meta.get(KEY) if isinstance(meta, dict) else None
    if not isinstance(stamp, dict):
        return {}
    wanted = {"retries": int, "scheduled_at": int | float}
    return {name: value for name, value in stamp.items() if name not in wanted or isinstance(value, wanted[name])}


def _put_stamp(job: Job, stamp: dict[str, Any]) -> None:
    meta: object = job.meta
    # What RQ can't load it writes back as it was, and anything may stand there.
    if isinstance(meta, dict) and _UNREADABLE_META not in meta and stamp != meta.get(KEY, {}):
        # A new dict, since whoever enqueues many jobs may pass the same one for all.
        job.meta = {**meta, KEY: stamp}


def _function(job: Job) -> Callable[..., Any] | None:
    try:
        function: Callable[..., Any] | None = job.func
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
    # `dependency_ids` without the underscore asks Redis.
    if job._dependency_ids:
        extra["depends_on"] = list(job._dependency_ids)
    if job.group_id:
        extra["group"] = job.group_id
    if job.repeats_left is not None:
        extra["repeats_left"] = job.repeats_left
    return extra
