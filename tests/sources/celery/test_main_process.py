"""What the main process reports: executions that a child of the pool could not end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import celery
import pytest
from celery.exceptions import TimeLimitExceeded, WorkerLostError
from celery.utils.log import in_sighandler
from celery.worker import state
from celery_bench import Desk, Ending, desk_of, in_child, raised, taken, terminating
from scenarios import SUCCEEDED, ran
from workers import wait_for

from jobreporter.events import Aborted, Failure, Stopped
from jobreporter.sourcekit import LazyDispatcher
from jobreporter.sources.celery._pool import Pool


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (WorkerLostError("signal 9"), "failure worker_lost final"),
        (SystemExit(3), "failure worker_lost final"),
        (KeyboardInterrupt(), "failure worker_lost final"),
        (ValueError("the pool can't send it"), "failure exception final"),
    ],
    ids=repr,
)
def test_a_job_that_its_child_did_not_end(
    desk: Desk, pool: Pool, gone: int, error: BaseException, outcome: str
) -> None:
    """Its outcome and its end come from the main process, with the facts that the child would have given."""
    request = taken(desk, pool, gone)
    request.on_failure(raised(error))
    job = desk.only(Stopped).job

    assert desk.story == list(ran(outcome)[1:])
    assert job.execution_id == f"1:1:{request.request_dict['jobreporter_delivery']}"
    assert job.worker.endswith(f":{gone}")
    assert job.args[0] == "acme"
    assert "canary" not in repr(desk.events)


def test_a_failure_that_the_child_has_reported(desk: Desk, pool: Pool, gone: int) -> None:
    """It sent its result, so it has ended its execution."""
    request = taken(desk, pool, gone)
    request.on_success((1, raised(RuntimeError()), 0.1))

    assert desk.events == []


def test_a_lost_job_that_comes_again(desk: Desk, pool: Pool, gone: int) -> None:
    """A message that goes back to its queue is another attempt."""
    request = taken(desk, pool, gone, acks_late=True, reject_on_worker_lost=True)
    request.on_failure(raised(WorkerLostError("signal 9")))

    assert desk.only(Failure).will_retry is True


def test_a_lost_job_that_celery_sends_again(desk: Desk, pool: Pool, gone: int) -> None:
    """It then says so with the same signal that a job's own retry has."""
    desk.app.jobreporter._workers.pool = pool
    request = taken(desk, pool, gone, retry_on_worker_lost=True, default_retry_delay=7)
    request.on_failure(raised(WorkerLostError("signal 9")))
    failure = desk.only(Failure)

    assert (failure.kind, failure.will_retry, failure.retry_delay) == ("worker_lost", True, 7)


@pytest.mark.parametrize(
    ("steps", "will_retry"), [(["sends"], None), (["sends", "has_sent"], True), ([], False)], ids=str
)
@pytest.mark.parametrize("error", [WorkerLostError("signal 9"), TimeLimitExceeded(1)], ids=repr)
def test_a_child_that_is_lost_while_it_sends_its_job_again(
    desk: Desk, pool: Pool, error: Exception, steps: list[str], will_retry: bool | None
) -> None:
    """The broker may have the message or not, and nobody is left who knows."""
    request = taken(desk, pool, 0)

    def send() -> None:
        for step in steps:
            getattr(pool._children, step)(request.delivery)

    child = in_child(pool._children, begins={request.delivery: request.delivery}, then=send)
    request.on_accepted(child, time.monotonic())
    request.on_failure(raised(error))
    pool.end()

    assert desk.only(Failure).will_retry is will_retry


def test_a_lost_job_that_had_succeeded() -> None:
    """Celery finds its result, so for everybody it has succeeded."""
    with desk_of(result_backend="cache+memory://") as desk:
        pool = Pool(LazyDispatcher(desk.dispatcher))
        request = taken(desk, pool, 1)
        desk.app.backend.store_result("1", 42, "SUCCESS")
        request.on_failure(raised(WorkerLostError("signal 9")))

        assert desk.story == ["success", "stopped success"]


def test_a_job_that_was_ended_in_place_of_another(desk: Desk, pool: Pool, gone: int) -> None:
    """Its child had just begun it when Celery ended the child for the job before. Celery calls that revoked."""
    request = taken(desk, pool, gone)
    request.on_failure(raised(celery.exceptions.Terminated(15)))

    assert desk.story == list(ran("aborted revoked")[1:])


def test_a_revoked_job(desk: Desk, pool: Pool, gone: int) -> None:
    """That it was revoked isn't enough: its child may still come to an end. That it was lost is."""
    request = taken(desk, pool, gone)
    request.terminate(Ending())
    before = desk.events
    request.on_failure(raised(celery.exceptions.Terminated(15)))

    assert before == []
    assert desk.story == list(ran("aborted revoked")[1:])
    assert desk.only(Aborted).will_retry is False


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize(
    ("ending", "reason"), [(in_sighandler, "shutdown"), (terminating, "shutdown"), (nullcontext, "cancelled")]
)
def test_a_cancelled_job(
    desk: Desk, pool: Pool, gone: int, ending: Callable[[], AbstractContextManager[None]], reason: str, late: bool
) -> None:
    """By the worker's end, or because the broker was lost; what wasn't acknowledged comes again."""
    request = taken(desk, pool, gone, acks_late=late)
    with ending():
        request.cancel(Ending())
    pool.end()

    assert desk.only(Aborted).reason == reason
    assert desk.only(Aborted).will_retry is (True if late else None)


def test_a_job_whose_worker_ends_without_a_word(desk: Desk, pool: Pool, gone: int) -> None:
    """What Celery still takes for active when all is over was cut off, once."""
    request = taken(desk, pool, gone)
    pool.end()
    pool.end()

    assert request in state.active_requests
    assert desk.only(Stopped).outcome == "aborted"


def test_a_job_that_is_over_when_its_worker_ends(desk: Desk, pool: Pool, gone: int) -> None:
    """The last job of each child is remembered, and left alone."""
    request = taken(desk, pool, gone)
    request.on_success((0, None, 0.1))
    pool.end()

    assert desk.events == []


def test_a_hard_limit_is_told_once_the_child_is_gone(desk: Desk, pool: Pool) -> None:
    """Celery tells of it before it kills the child, and twice."""
    child = subprocess.Popen(["sleep", "60"])
    request = taken(desk, pool, child.pid)
    told: list[str] = []
    request.on_failure(raised(TimeLimitExceeded(1)))
    request.on_timeout(soft=False, timeout=1)
    told += desk.story
    child.kill()
    child.wait()
    wait_for(lambda: "stopped failure" in desk.story, "the end was told")

    assert told == []
    assert desk.story == list(ran("failure timeout final")[1:])


def test_a_hard_limit_is_told_at_the_latest_when_the_worker_ends(desk: Desk, pool: Pool) -> None:
    """Even if the child is still there, such as one that waits for a dead disk."""
    child = subprocess.Popen(["sleep", "60"])
    request = taken(desk, pool, child.pid)
    request.on_failure(raised(TimeLimitExceeded(1)))
    pool.end()
    child.kill()
    child.wait()

    assert desk.story == list(ran("failure timeout final")[1:])


@pytest.mark.parametrize("error", [WorkerLostError("signal 9"), TimeLimitExceeded(1)], ids=repr)
def test_what_the_child_has_ended_the_main_process_leaves_alone(desk: Desk, pool: Pool, error: Exception) -> None:
    """The child says so in memory that they share, before it publishes: nothing that kills it later undoes that."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        pool.be_child()
        pool.ends(os.read(reading, 100).decode())
        os.kill(os.getpid(), signal.SIGKILL)
    with open(writing, "wb", buffering=0) as pipe:
        request = taken(desk, pool, child)
        pipe.write(request.delivery.encode())
    os.waitpid(child, 0)
    os.close(reading)
    request.on_failure(raised(error))
    pool.end()

    assert desk.events == []


@pytest.mark.parametrize(
    ("ended", "told"), [([], ran("failure worker_lost will retry")[1:]), (["aaaaaaaa"], ())], ids=["cut off", "ended"]
)
def test_a_job_that_another_child_had_begun(
    desk: Desk, pool: Pool, monkeypatch: pytest.MonkeyPatch, ended: list[str], told: tuple[str, ...]
) -> None:
    """And was gone before the worker heard of it: who begins the job anew tells of that, unless it had ended."""

    @desk.task
    def work() -> None: ...

    first = in_child(pool._children, *ended, begins={"aaaaaaaa": "aaaaaaaa"})
    monkeypatch.setattr(desk.app.jobreporter._workers, "in_child", True)
    monkeypatch.setattr(desk.app.jobreporter._workers, "pool", pool)
    pool._children.forking()
    pool.be_child()
    work.apply_async(task_id="1")
    request = next(desk.requests())
    request.request_dict["jobreporter_delivery"] = "aaaaaaaa"
    request.execute()
    before, after = desk.events[: len(told)], desk.events[len(told) :]

    assert desk.story == [*told, *SUCCEEDED]
    assert all(event.job.execution_id == "1:1:aaaaaaaa" for event in before)
    assert all(event.job.worker.endswith(f":{first}") for event in before)
    assert all(event.job.execution_id != "1:1:aaaaaaaa" for event in after)
    assert pool._children.have_ended("aaaaaaaa")


def test_a_job_that_was_lost_by_its_second_child(desk: Desk, pool: Pool) -> None:
    """The main process tells of the execution that this child has begun, and not of the first."""
    request = taken(desk, pool, 0)
    first = in_child(pool._children, begins={request.delivery: request.delivery})
    second = in_child(pool._children, begins={request.delivery: "cccccccc"})
    request.on_accepted(second, time.monotonic())
    request.on_failure(raised(WorkerLostError("signal 9")))

    assert first != second
    assert desk.only(Stopped).job.execution_id == "1:1:cccccccc"
    assert desk.only(Stopped).job.worker.endswith(f":{second}")
