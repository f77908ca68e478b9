"""What RQ has saved of a job: whether it could save how it has ended, which else it logs and goes on, and whether it is back."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from redis.exceptions import RedisError
from rq.job import Job, JobStatus
from rq.utils import as_text, utcformat


class Taken(NamedTuple):
    """What tells a turn of a job from the next one.

    enqueued_at: as RQ saves when it was enqueued; empty, if RQ knows no time for that. workers: the one that has taken it,
    and the one before that.
    """

    enqueued_at: str
    workers: tuple[str | None, ...]


def has_saved(job: Job) -> bool:
    """job: as RQ has just tried to save it. One that it could not save it finds abandoned later, if at all."""
    if job.ended_at is None:
        return True  # it never ran
    try:
        # One by one, as RQ itself asks: its user may have no other command.
        status, ended_at = (as_text(job.connection.hget(job.key, field) or "") for field in ("status", "ended_at"))
    except RedisError:
        return False
    # It may run again by now, and then it was saved with the end of this attempt, or of one after it. The status alone
    # says nothing of a job that is tried again later: RQ writes that before all the rest.
    return status not in (JobStatus.STARTED, JobStatus.SCHEDULED) or ended_at >= utcformat(job.ended_at)


def has_saved_end(job: Job, ended_at: datetime) -> bool:
    """Whether the end that RQ has saved last is the one of this moment."""
    try:
        return as_text(job.connection.hget(job.key, "ended_at") or "") == utcformat(ended_at)
    except RedisError:
        return False


def is_done(job: Job) -> bool | None:
    """Whether RQ has saved that nothing is left to do for this job; ``None`` if Redis doesn't say."""
    try:
        return as_text(job.connection.hget(job.key, "status") or "") in (JobStatus.FINISHED, JobStatus.FAILED)
    except RedisError:
        return None


def taken_as(job: Job, worker: str) -> Taken:
    """job: as this worker has taken it from its queue."""
    return Taken(utcformat(job.enqueued_at) if job.enqueued_at else "", (worker, job.worker_name))


def is_back(job: Job, taken: Taken) -> bool:
    """Whether somebody has put a job back since it was taken: an exception handler, a callback, or the job itself.

    RQ saves the end of this turn over that, but takes it from the queue or the schedule all the same. Another worker may
    have done so by now. That an id is in the queue says nothing: somebody may have enqueued the job twice.
    """
    try:
        status, enqueued_at, worker = (
            as_text(job.connection.hget(job.key, field) or "") for field in ("status", "enqueued_at", "worker_name")
        )
    except RedisError:
        return False
    if not status or status == JobStatus.CANCELED:
        return False
    is_another_turn = enqueued_at not in ("", taken.enqueued_at) or worker not in ("", *taken.workers)
    return status == JobStatus.SCHEDULED or is_another_turn
