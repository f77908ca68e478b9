"""Which process is the one to tell an execution's end, where more than one may know of it."""

from __future__ import annotations

import logging

from redis.exceptions import RedisError, ResponseError
from rq.job import Job

logger = logging.getLogger("jobreporter")

#: Seconds for which Redis keeps in mind that the end of an execution was told, in case that RQ finds it abandoned.
CLAIM_TTL = 30 * 86_400

#: The same where a horse has told it. RQ has saved the job by then.
HORSE_CLAIM_TTL = 3600


class Claims:
    """Asks Redis, which keeps in mind who came first. Redis may refuse that: it is logged, once."""

    def __init__(self) -> None:
        self._refused = False

    def first(self, job: Job, execution_id: str, ttl: int = CLAIM_TTL, *, at_first_hand: bool = True) -> bool:
        """Whether this process is the first to tell the end of an execution.

        at_first_hand: whether it ran the job, or waited for the process that did. If Redis doesn't answer, who only found
        the job later leaves it to them.
        """
        try:
            return bool(job.connection.set(claim_key(job, execution_id), 1, nx=True, ex=ttl))
        except ResponseError as error:
            self._tell(job, error)
        except RedisError:
            pass  # the others can't ask either
        return at_first_hand

    def _tell(self, job: Job, error: ResponseError) -> None:
        if not self._refused:
            self._refused = True
            logger.error(
                "Redis does not let this worker keep in mind which jobs' ends were told: SET %s: %s. Until it does, a job"
                " whose worker is gone is not told as lost",
                claim_key(job, "*"),
                error,
            )


def claim_key(job: Job, execution_id: str) -> str:
    """Among RQ's own keys, wherever an application has put these."""
    return f"{job.redis_job_namespace_prefix.removesuffix('job:')}jobreporter:{execution_id}"
