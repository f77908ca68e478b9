"""Executions of Huey's that run inside others, or beside them."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from huey_bench import Bench
from scenarios import FAILED, SHUT_DOWN, SUCCEEDED, ran, summary

from jobreporter import Abort, Execution
from jobreporter.events import Failure, Stopped, Success


def test_the_current_execution_is_the_jobs(bench: Bench) -> None:
    """Code of the job finds its execution, from the hooks before it on, and nothing is left behind."""
    found: list[str] = []

    @bench.huey.pre_execute()
    def before(task: Any) -> None:
        found.append(Execution.current().job.id)  # type: ignore[union-attr] - it is what the test is about

    @bench.huey.task()
    def work() -> None:
        execution = Execution.current()
        assert execution is not None
        execution.tag(customer="acme")
        found.append(execution.job.id)

    result = work()
    bench.work()

    assert found == [result.id, result.id]
    assert Execution.current() is None
    assert bench.only(Success).tags == {"customer": "acme"}


def test_a_task_called_as_a_function_is_no_execution(bench: Bench) -> None:
    """``call_local`` runs within the job that calls it, and what it raises is an ordinary exception."""

    @bench.huey.task()
    def inner() -> None:
        raise Abort("skipped")

    @bench.huey.task()
    def outer() -> None:
        with pytest.raises(Abort):
            inner.call_local()

    outer()
    bench.work()

    assert bench.story == list(SUCCEEDED)


def test_jobs_that_run_inside_a_job_do_not_mix_with_it(immediate: Bench) -> None:
    """In immediate mode a job that enqueues another runs it at once: each keeps its own execution and its own tags."""

    @immediate.huey.task()
    def inner() -> None:
        Execution.current().tag(which="inner")  # type: ignore[union-attr] - it is what the test is about
        raise RuntimeError

    @immediate.huey.task()
    def outer() -> None:
        inner()
        Execution.current().tag(which="outer")  # type: ignore[union-attr] - it is what the test is about

    outer()
    events = immediate.events

    assert [summary(event) for event in events] == ["started", *FAILED, "success", "stopped success"]
    assert [event.tags["which"] for event in events if isinstance(event, Failure | Success)] == ["inner", "outer"]


def test_a_retry_that_runs_inside_its_predecessor_comes_after_it(immediate: Bench) -> None:
    """In immediate mode the second attempt runs while Huey still ends the first, with the very same task object."""
    failures = iter([RuntimeError()])

    @immediate.huey.task(retries=1)
    def fail_once() -> None:
        for failure in failures:
            raise failure

    fail_once()

    assert immediate.story == [*ran("failure exception will retry"), *SUCCEEDED]
    assert [event.job.attempt for event in immediate.all(Stopped)] == [1, 2]
    assert Execution.current() is None


def test_a_pipeline_is_one_execution_for_each_step(immediate: Bench) -> None:
    """What follows a job starts once that has stopped; what follows a failure is a job as well."""

    @immediate.huey.task()
    def step(number: int) -> int:
        return number + 1

    @immediate.huey.task()
    def fail(number: int) -> None:
        raise RuntimeError

    @immediate.huey.task()
    def lament(error: BaseException) -> None: ...

    immediate.huey.enqueue(step.s(1).then(step).then(fail.s().error(lament)))

    assert immediate.story == [*SUCCEEDED, *SUCCEEDED, *FAILED, *SUCCEEDED]


def test_the_consumers_end_leaves_no_execution_open(bench: Bench) -> None:
    """Two attempts at one job overlap, and Huey tells of one only; what they still do afterwards changes nothing."""
    entered, release = threading.Semaphore(0), threading.Event()

    @bench.huey.task()
    def hold() -> None:
        entered.release()
        release.wait()

    tasks = [hold.s(), hold.s()]
    tasks[1].id = tasks[0].id
    threads = [threading.Thread(target=bench.huey.execute, args=[task]) for task in tasks]
    for thread in threads:
        thread.start()
        assert entered.acquire(timeout=10)
    bench.huey.notify_interrupted_tasks()
    release.set()
    for thread in threads:
        thread.join()

    assert sorted(bench.story) == sorted([*SHUT_DOWN, *SHUT_DOWN])
