"""What RQ has saved of a job: whether it could save how it has ended, which else it logs and goes on, and whether it is back."""

from __future__ import annotations

from datetime import datetime

from redis.exceptions import RedisError
from rq.job import Job, JobStatus
from rq.utils import as_text, utcformat

#: As what a job is saved that was enqueued when it was taken; empty, if RQ knows no time for that.
TakenAs = str


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


def taken_as(job: Job) -> TakenAs:
    """What tells this turn of a job from the next one. job: as it was taken from its queue."""
    return utcformat(job.enqueued_at) if job.enqueued_at else ""


def is_back(job: Job, taken: TakenAs) -> bool:
    """Whether somebody has put a job back since it was taken: an exception handler, a callback, or the job itself.

    RQ saves the end of this turn over that, but takes it from the queue or the schedule all the same.
    """
    try:
        status, enqueued_at = (
            as_text(job.connection.hget(job.key, field) or "") for field in ("status", "enqueued_at")
        )
    except RedisError:
        return False
    return status == JobStatus.SCHEDULED or (status == JobStatus.QUEUED and enqueued_at != taken)
