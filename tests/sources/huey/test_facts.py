"""How Huey's facts become a job's."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from huey import MemoryHuey, RetryTask, crontab
from huey.exceptions import RateLimitExceeded
from huey_bench import Bench, bench_of
from scenarios import SUCCEEDED, ran

from jobreporter.events import Failure, Started, Success


def test_a_job_carries_what_huey_knows_of_it(bench: Bench) -> None:
    """Its id, its name as Huey has it, its queue, its arguments by their names, its attempt and its priority."""

    @bench.huey.task(retries=2, priority=7, name="send_mail")
    def send(address: str, subject: str) -> None: ...

    result = send("a@example.org", subject="hello")
    bench.work()
    job = bench.only(Started).job

    assert job.id == result.id
    assert job.execution_id.startswith(f"{job.id}:1:")
    assert job.name == f"{__name__}.send_mail"
    assert (job.source, job.queue, job.priority) == ("huey", "desk", 7)
    assert (job.args, job.kwargs) == (("a@example.org",), {"subject": "hello"})
    assert (job.attempt, job.max_attempts) == (1, 3)
    assert job.worker is not None
    assert job.worker.endswith(f":{os.getpid()}")
    assert (job.enqueued_at, job.scheduled_at, job.extra) == (None, None, {})
    assert (job.correlation_id, job.root_id, job.parent_id) == (None, None, None)


def test_an_id_and_a_priority_of_other_types_do_not_matter(bench: Bench) -> None:
    """Huey takes anything for both, and SQLite a priority with a fraction; a `Job` doesn't."""

    @bench.huey.task()
    def work() -> None: ...

    bench.huey.enqueue(work.s(id=7, priority=0.5))
    bench.work()
    job = bench.only(Started).job

    assert (job.id, job.priority) == ("7", None)


def test_a_positional_secret_is_redacted_by_its_name(bench: Bench) -> None:
    """The name of a positional argument is found through the function behind Huey's task, wrapped or not."""

    @bench.huey.task()
    @bench.huey.lock_task("x")
    def charge(customer: str, api_key: str) -> None: ...

    charge("acme", "canary")
    bench.work()

    assert "canary" not in repr(bench.events)
    assert bench.only(Started).job.args[0] == "acme"


def test_arguments_are_those_at_the_start(bench: Bench) -> None:
    """What a hook puts into the task's arguments later, as older Hueys do with the task itself, isn't reported."""

    @bench.huey.pre_execute()
    def inject(task: Any) -> None:
        task.kwargs["task"] = task

    @bench.huey.task()
    def work(task: Any) -> None: ...

    bench.huey.enqueue(work.s())
    bench.work()

    assert bench.story == list(SUCCEEDED)
    assert bench.only(Started).job.kwargs == {}


def test_a_job_of_a_class_of_its_own_is_reported_all_the_same(bench: Bench) -> None:
    """Where the function can't be found, the arguments have no names, and that is all."""

    @bench.huey.task()
    def plain(number: int) -> int:
        return number

    class Execute:
        def __get__(self, task: Any, _type: type) -> Callable[[], Any]:
            return lambda: plain.func(*task.args)

    plain.task_class.execute = Execute()
    plain(1)
    bench.work()

    assert bench.story == list(SUCCEEDED)


@pytest.mark.parametrize("utc", [True, False])
def test_times_are_unix_seconds(utc: bool) -> None:
    """Huey's naive times are read in the zone that this Huey keeps them in."""
    with bench_of(MemoryHuey("desk", utc=utc)) as bench:
        due, late = datetime.now(UTC) - timedelta(hours=2), datetime.now(UTC) + timedelta(hours=2)

        @bench.huey.task()
        def remind() -> None: ...

        remind.schedule(eta=due, expires=late)
        bench.work()
        job = bench.only(Started).job

        assert job.scheduled_at == pytest.approx(due.timestamp(), abs=1)
        assert job.extra["expires_at"] == pytest.approx(late.timestamp(), abs=1)
        assert bench.only(Success).queue_wait == pytest.approx(7200, abs=60)


def test_extra_says_what_is_periodic_and_limited(bench: Bench) -> None:
    """Huey's own facts are in ``extra``, where there are any."""

    @bench.huey.periodic_task(crontab(), timeout=5)
    def nightly() -> None: ...

    bench.huey.enqueue(nightly.task_class())
    bench.work()

    assert bench.only(Started).job.extra == {"periodic": True, "timeout": 5}


def test_retries_that_a_single_job_was_given_count_too(bench: Bench) -> None:
    """More retries than the task's own: the attempt can't be known before they have run down, and is never below 1."""

    @bench.huey.task(retries=1)
    def fail() -> None:
        raise RuntimeError

    bench.huey.enqueue(fail.s(retries=3))
    bench.work()
    failures = bench.all(Failure)

    assert [(event.job.attempt, event.job.max_attempts) for event in failures] == [(1, 4), (1, 3), (1, 2), (2, 2)]
    assert [event.final for event in failures] == [False, False, False, True]


def test_a_retry_that_was_asked_for_is_another_execution_of_the_same_attempt(bench: Bench) -> None:
    """Huey takes no retry away for it, so the number stays; the execution's identity differs."""
    answers = iter([RetryTask(), RateLimitExceeded("x", delay=-1)])

    @bench.huey.task()
    def ask() -> None:
        for answer in answers:
            raise answer

    ask()
    bench.work()
    jobs = [event.job for event in bench.all(Started)]

    assert [job.attempt for job in jobs] == [1, 1, 1]
    assert len({job.execution_id for job in jobs}) == 3
    assert bench.story == [
        *ran("aborted retry_requested will retry"),
        *ran("aborted rate_limited will retry"),
        *SUCCEEDED,
    ]
