"""What becomes of a job where RQ does not get to save its failure, since an exception handler of the program's own raises.

A horse exits then, and the worker that waits for it deals with the job. A worker without horses ends, and the job is found
abandoned.
"""

from __future__ import annotations

import pytest
from redis import Redis
from reported import recording
from rq import Retry
from rq.job import Job, JobStatus
from rq_bench import Bench, fail
from scenarios import FAILED, FAILED_AT_FIRST

from jobreporter import Failure
from jobreporter.sources.rq import SimpleWorker


def refuse(*_args: object) -> None:
    raise LookupError("the handler's own")


def fates(bench: Bench) -> list[tuple[str, bool | None, float | None]]:
    return [(each.error.message, each.will_retry, each.retry_delay) for each in bench.all(Failure)]


def test_a_horse_knows_what_its_worker_makes_of_the_job(stable: Bench) -> None:
    """The worker tries it again as long as it has retries, and then has failed it."""
    stable.worker.push_exc_handler(refuse)
    job = stable.enqueue(fail(RuntimeError("the job's")), retry=Retry(max=1, interval=30))
    stable.work()

    assert job.get_status() == JobStatus.FAILED
    assert stable.story == [*FAILED_AT_FIRST, *FAILED]
    assert fates(stable) == [("the job's", True, 30), ("the job's", False, None)]


def test_a_job_that_the_handler_has_failed_itself_is_not_tried_again(stable: Bench) -> None:
    """Then the worker leaves it as it is."""

    def give_up(job: Job, *_args: object) -> None:
        job.set_status(JobStatus.FAILED)
        raise LookupError

    stable.worker.push_exc_handler(give_up)
    stable.enqueue(fail(RuntimeError("the job's")), retry=Retry(max=1))
    stable.work()

    assert stable.story == list(FAILED)
    assert fates(stable) == [("the job's", False, None)]


def test_a_horse_without_its_worker_does_not_know(stable: Bench) -> None:
    """Nobody deals with the job before it is found abandoned, and whoever does tells nothing more."""
    stable.worker.push_exc_handler(refuse)
    stable.worker.pid = 1  # not the parent of the horse
    monitored = stable.worker.monitor_work_horse
    stable.worker.monitor_work_horse = lambda *_args: stable.worker.wait_for_horse()
    job = stable.enqueue(fail(RuntimeError("the job's")), retry=Retry(max=1))
    stable.work()
    stable.worker.monitor_work_horse = monitored
    stable.worker.pop_exc_handler()

    assert job.get_status(refresh=True) == JobStatus.STARTED
    assert fates(stable) == [("the job's", None, None)]
    stable.look_after_the_queue()
    assert fates(stable) == [("the job's", None, None)]
    assert job.get_status(refresh=True) == JobStatus.QUEUED


@pytest.mark.parametrize(
    ("retry", "will_retry", "status"), [(None, False, JobStatus.FAILED), (Retry(max=1), None, JobStatus.QUEUED)]
)
def test_a_job_whose_worker_ends_by_the_handler_ends_once(
    connection: Redis, retry: Retry | None, will_retry: bool | None, status: JobStatus
) -> None:
    """Another worker finds it abandoned, and tells nothing more. Without retries it is final: RQ never runs it again."""
    with recording() as (dispatcher, events):
        ends, finds = (SimpleWorker(["desk"], connection=connection, dispatcher=dispatcher) for _ in range(2))
        bench = Bench(connection, ends, events)
        bench.worker.push_exc_handler(refuse)
        job = bench.enqueue(fail(RuntimeError("the job's")), retry=retry)
        with pytest.raises(LookupError):
            bench.work()
        assert job.get_status(refresh=True) == JobStatus.STARTED
        bench.worker = finds
        bench.look_after_the_queue()

        assert job.get_status(refresh=True) == status
        assert fates(bench) == [("the job's", will_retry, None)]
