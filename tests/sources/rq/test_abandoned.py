"""RQ's jobs whose worker is gone."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest
import rq
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from rq import Retry
from rq_bench import (
    LOST,
    NEVER_STARTED,
    Bench,
)
from scenarios import CUT_OFF, SHUT_DOWN, SUCCEEDED
from workers import wait_for

from jobreporter import Execution
from jobreporter.events import Aborted, Failure
from jobreporter.sources.rq import Worker


def test_a_job_that_rq_finds_abandoned(stable: Bench) -> None:
    """Its worker and its horse are gone: whoever looks after the queue next tells the end of that execution."""
    stable.enqueue(lambda: os._exit(0), retry=Retry(max=1))
    stable.work()
    assert "Started" not in repr(stable.all(Failure))
    stable.look_after_the_queue()
    (lost,) = stable.all(Failure)
    stable.work()
    stable.look_after_the_queue()
    _, final = stable.all(Failure)

    assert lost.error.matches("rq.exceptions.AbandonedJobError")
    assert (lost.kind, lost.will_retry, lost.job.attempt) == ("worker_lost", True, 1)
    assert (final.kind, final.will_retry, final.job.attempt) == ("worker_lost", False, 2)
    assert final.job.execution_id != lost.job.execution_id
    assert lost.job.extra["worker_name"] == stable.worker.name
    assert lost.job.worker is None


def test_an_abandoned_execution_is_the_one_that_started(stable: Bench) -> None:
    """So what it left open is closed."""

    def work() -> None:
        wait_for(lambda: bool(stable.events), "started", str)
        os._exit(0)

    stable.enqueue(work)
    stable.work()
    assert stable.story == list(CUT_OFF)
    stable.look_after_the_queue()

    assert stable.story == list(LOST)
    assert len({event.job.execution_id for event in stable.events}) == 1


@pytest.mark.parametrize(("retry", "will_retry"), [(None, False), (Retry(max=1), None)])
def test_a_job_that_was_shut_down_is_not_abandoned_as_well(
    stable: Bench, monkeypatch: pytest.MonkeyPatch, retry: Retry | None, will_retry: bool | None
) -> None:
    """RQ leaves it as started, and finds that out later; it was told by then."""

    def shut_down(worker: Worker) -> Any:
        os.kill(worker.horse_pid, signal.SIGKILL)
        os.waitpid(worker.horse_pid, 0)
        raise SystemExit

    stable.enqueue(signal.pause, retry=retry)
    monkeypatch.setattr(rq.Worker, "wait_for_horse", shut_down)
    with pytest.raises(SystemExit):
        stable.work()
    stable.look_after_the_queue()

    assert [line for line in stable.story if line != "started"] == list(SHUT_DOWN[1:])
    assert stable.only(Aborted).will_retry is will_retry


def test_a_horse_without_its_worker_asks_whether_the_end_was_told(stable: Bench) -> None:
    """The worker alone was killed: RQ may have found the job abandoned before the horse was done with it."""
    stable.worker.pid = 1  # not the parent of the horse
    stable.enqueue(str)
    stable.work()

    def work() -> None:
        execution = Execution.current()
        assert execution is not None
        stable.connection.set(f"rq:jobreporter:{execution.job.execution_id}", 1)

    stable.enqueue(work)
    stable.work()

    assert stable.story == [*SUCCEEDED, *CUT_OFF]


def test_a_job_that_was_lost_on_its_way(stable: Bench) -> None:
    """A worker took it from the queue and was gone before it started: RQ fails it after a minute."""
    job = stable.enqueue(str)
    stable.connection.lmove(stable.queue.key, stable.queue.intermediate_queue_key)
    seen = stable.queue.intermediate_queue.get_first_seen_key(job.id)
    stable.connection.set(seen, time.time() - 120)
    stable.look_after_the_queue()

    assert stable.story == list(NEVER_STARTED)
    assert stable.only(Failure).job.id == job.id


def test_what_a_simple_worker_finds_it_tells_itself(bench: Bench) -> None:
    """It has its reporters at hand."""
    job = bench.enqueue(str)
    bench.connection.lmove(bench.queue.key, bench.queue.intermediate_queue_key)
    bench.connection.set(bench.queue.intermediate_queue.get_first_seen_key(job.id), time.time() - 120)
    bench.look_after_the_queue()

    assert bench.story == list(NEVER_STARTED)


def test_a_database_that_is_gone_keeps_no_end_back(stable: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """If nobody can ask who told it, it is told."""
    stable.worker.pid = 1
    stable.enqueue(str)
    monkeypatch.setattr(Redis, "set", refuse_claims)
    stable.work()

    assert stable.story == list(SUCCEEDED)


def refuse_claims(_connection: Redis, key: str, *_args: object, **_kwargs: object) -> bool:
    if key.startswith("rq:jobreporter:"):
        raise RedisConnectionError("gone")
    return True
