"""A job that somebody other than RQ puts back while it runs: RQ saves that it has failed, and runs it again all the same."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import rq
from rq import Callback, get_current_job
from rq.job import Job, JobStatus
from rq_bench import Bench, fail
from scenarios import FAILED, FAILED_AT_FIRST, SUCCEEDED, ran
from tests.waiting import until

from jobreporter import Failure
from jobreporter.sources.rq import Queue, SimpleWorker


def into_schedule(queue: rq.Queue, job: Job) -> None:
    job.set_status(JobStatus.SCHEDULED)
    queue.schedule_job(job, datetime.now(UTC) + timedelta(seconds=30))


def by_its_id(queue: rq.Queue, job: Job) -> None:
    queue.push_job_id(job.id)


WAYS: dict[str, Callable[[rq.Queue, Job], Any]] = {
    "the job that it was given": lambda queue, job: queue.enqueue_job(job),
    "its own copy of the job": lambda queue, job: queue.enqueue_job(Job.fetch(job.id, connection=job.connection)),
    "into the schedule": into_schedule,
}


def put_back_once(job: Job, way: str) -> None:
    """Only the first time, as one that has had enough of it would."""
    if job.connection.incr("put back") == 1:
        WAYS[way](rq.Queue(job.origin, connection=job.connection), job)


def put_back(job: Job, *_args: object) -> None:
    put_back_once(job, "the job that it was given")


def fails_once(bench: Bench) -> Callable[[], None]:
    def act() -> None:
        if bench.connection.incr("ran") == 1:
            raise RuntimeError

    return act


@pytest.fixture(params=["bench", "stable"])
def each(request: pytest.FixtureRequest) -> Bench:
    """Jobs run in the worker's process, and in horses."""
    bench: Bench = request.getfixturevalue(request.param)
    return bench


@pytest.mark.parametrize("way", WAYS)
def test_by_an_exception_handler(each: Bench, way: str) -> None:
    """As programs did before RQ had retries, and do to decide by the error."""
    each.worker.push_exc_handler(lambda job, *_error: put_back_once(job, way))
    each.enqueue(fails_once(each))
    each.work()

    assert each.story == [*FAILED_AT_FIRST, *SUCCEEDED]
    assert each.only(Failure).will_retry is True


def take_at_once(queue: rq.Queue) -> None:
    """As another worker, which may be quicker than this one."""
    taken = rq.Queue.dequeue_any([queue], None, connection=queue.connection)
    assert taken is not None
    SimpleWorker([queue], connection=queue.connection, name="quicker").execute_job(*taken)


@pytest.mark.parametrize(
    "put_back", [WAYS["its own copy of the job"], by_its_id], ids=["its own copy of the job", "its id alone"]
)
@pytest.mark.parametrize("elsewhere", ["desk", "of others"])
def test_a_worker_that_is_quicker(stable: Bench, put_back: Callable[[rq.Queue, Job], Any], elsewhere: str) -> None:
    """It has taken the job before this one has saved the failure, from whichever queue it was put into."""
    ended = []

    def put_back_and_take(job: Job, *_error: object) -> None:
        queue = rq.Queue(elsewhere, connection=job.connection)
        put_back(queue, job)
        take_at_once(queue)
        ended.append(job.connection.get("ran"))

    stable.worker = SimpleWorker(["desk"], connection=stable.connection)
    stable.worker.push_exc_handler(put_back_and_take)
    stable.enqueue(fails_once(stable))
    stable.work()

    assert ended == [b"2"]
    until(lambda: stable.all(Failure))
    assert stable.only(Failure).will_retry is True


def test_a_job_that_was_cancelled_meanwhile_is_not(each: Bench) -> None:
    """Whoever has put it back has thought better of it."""

    def put_back_and_cancel(job: Job, *_error: object) -> None:
        put_back(job)
        Job.fetch(job.id, connection=job.connection).cancel()

    each.worker.push_exc_handler(put_back_and_cancel)
    each.enqueue(fails_once(each))
    each.work()

    assert each.story == list(FAILED)


def test_a_job_that_another_worker_had_before_is_not(stable: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name is still on the job when this one's horse is killed at once."""
    job = stable.enqueue(fail(RuntimeError()))
    stable.connection.hset(job.key, "worker_name", "former")
    monkeypatch.setattr(stable.worker, "prepare_job_execution", lambda *_args: os.kill(os.getpid(), signal.SIGKILL))
    stable.work()

    assert stable.only(Failure).will_retry is False


def test_by_its_callback(each: Bench) -> None:
    """After a failure."""
    each.enqueue(fails_once(each), on_failure=Callback(put_back))
    each.work()

    assert each.story == [*FAILED_AT_FIRST, *SUCCEEDED]


def test_by_itself(each: Bench) -> None:
    """Before it fails."""

    def act() -> None:
        job = get_current_job()
        assert job is not None
        put_back(job)
        raise RuntimeError

    each.enqueue(act)
    each.work()

    assert each.story == [*FAILED_AT_FIRST, *FAILED]


def test_by_itself_before_its_horse_is_killed(stable: Bench) -> None:
    """What the worker tells of the horse says so too."""

    def act() -> None:
        job = get_current_job()
        assert job is not None
        put_back(job)
        os.kill(os.getpid(), signal.SIGKILL)

    stable.enqueue(act)
    stable.work()

    assert [each.will_retry for each in stable.all(Failure)] == [True, False]


def test_by_a_handler_that_raises_after_it(stable: Bench) -> None:
    """Its horse exits, and the worker fails a job that is in the queue."""

    def put_back_and_raise(job: Job, *_error: object) -> None:
        put_back(job)
        raise LookupError

    stable.worker.push_exc_handler(put_back_and_raise)
    stable.enqueue(fails_once(stable))
    stable.work()

    assert stable.story == [*FAILED_AT_FIRST, *SUCCEEDED]


def test_a_horse_that_is_killed_before_it_begins_puts_nothing_back(
    stable: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its job is still saved as it was when it waited in the queue."""

    def die(*_args: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(stable.worker, "prepare_job_execution", die)
    stable.enqueue(fail(RuntimeError()))
    stable.work()

    assert stable.story == list(ran("failure worker_lost final")[1:])


def test_another_job_of_the_same_function_is_none(each: Bench) -> None:
    """What counts is the job's own id."""

    def act() -> None:
        job = get_current_job()
        assert job is not None
        if job.connection.incr("enqueued") == 1:
            Queue(job.origin, connection=job.connection).enqueue(job.func, *job.args)
        raise RuntimeError

    each.enqueue(act)
    each.work()

    assert [each.will_retry for each in each.all(Failure)] == [False, False]
