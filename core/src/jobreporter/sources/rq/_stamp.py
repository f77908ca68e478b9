"""What jobreporter keeps with a job of RQ's: which attempt it is, for when it was meant, and which job enqueued it.

``job.meta`` is the application's: it may be replaced at any time, by anybody. So the stamp is a field of its own in the
hash that is the job in Redis. RQ writes that hash field by field, and what it doesn't know stays for as long as the job.
"""

from __future__ import annotations

import json
from typing import Any

from redis.exceptions import RedisError
from rq.job import Job

from jobreporter.sourcekit import LINEAGE, STAMP_KEY, count_of, fields_of_stamp, moment_of

#: The name of that field, and of what whoever enqueues the job may write into its meta.
FIELD = STAMP_KEY


def stamp_of(job: Job) -> dict[str, Any]:
    """A copy of the job's stamp. It is read the first time that it is asked for."""
    saved = vars(job).get("to_dict")
    return dict(saved.stamp if isinstance(saved, _Saved) else _read(job))


def put_stamp(job: Job, stamp: dict[str, Any]) -> None:
    """Have RQ save this stamp whenever it saves the job."""
    take_off(job)
    vars(job)["to_dict"] = _Saved(job, stamp)


def take_off(job: Job) -> None:
    """Give the job its own ``to_dict`` back. What was saved stays."""
    if isinstance(vars(job).get("to_dict"), _Saved):
        del job.to_dict


class _Saved:
    """Stands for the job's own ``to_dict``, which is what RQ saves, in whatever way it does that."""

    def __init__(self, job: Job, stamp: dict[str, Any]) -> None:
        #: Only ever read: another stamp is another one of these.
        self.stamp = stamp
        self._inside = job.to_dict
        self._written = json.dumps({**stamp, "created_at": job.created_at.timestamp()})

    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {**self._inside(*args, **kwargs), FIELD: self._written}


def new_stamp(job: Job) -> dict[str, Any]:
    """The stamp of a job that bears none yet: what whoever enqueues it has written into its meta."""
    stamp = {name: value for name, value in fields_of_stamp(_in_meta(job)).items() if name in LINEAGE}
    # RQ counts them down from a maximum that it forgets.
    return stamp if job.retries_left is None else {**stamp, "retries": job.retries_left}


def _read(job: Job) -> dict[str, Any]:
    kept = _kept(job)
    stamp = {**new_stamp(job), **kept}
    if stamp:
        put_stamp(job, stamp)
    if stamp != kept:
        _save(job)
    return stamp


def _kept(job: Job) -> dict[str, Any]:
    try:
        stamp = json.loads(job.connection.hget(job.key, FIELD) or "{}")
    except (RedisError, ValueError, RecursionError):
        return {}
    # Who enqueues a job by the id of an earlier one finds that one's fields there, where they aren't written anew.
    if not isinstance(stamp, dict) or moment_of(stamp.get("created_at")) != job.created_at.timestamp():
        return {}
    numbers = {
        "scheduled_at": moment_of(stamp.get("scheduled_at")),
        **{name: count_of(stamp.get(name)) for name in ("retries", "asked")},
    }
    lineage = {name: value for name, value in fields_of_stamp(stamp).items() if name in LINEAGE}
    return {**lineage, **{name: value for name, value in numbers.items() if value is not None}}


def _save(job: Job) -> None:
    """Write a stamp that nobody has written yet, before the application or the worker's end can prevent it."""
    try:
        job.connection.hset(job.key, FIELD, vars(job)["to_dict"]._written)
    except RedisError:
        pass  # RQ saves it with the job, if it comes to that


def _in_meta(job: Job) -> object:
    meta: object = job.meta
    return meta.get(STAMP_KEY) if isinstance(meta, dict) else None
