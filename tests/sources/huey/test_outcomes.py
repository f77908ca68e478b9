"""What has become of a job, by what Huey makes of how it ended: failures and giving up."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from huey import CancelExecution, RetryTask
from huey.exceptions import TaskException, TaskLockedException, TaskTimeout
from huey.signals import SIGNAL_ERROR
from huey_bench import Bench
from scenarios import FAILED, SUCCEEDED, ran

from jobreporter import Abort
from jobreporter.events import Aborted, Failure


class Own(BaseException):
    """A program's own, which no ``except Exception`` catches."""


@pytest.mark.parametrize("delay", [90, timedelta(seconds=90)])
def test_a_failure_tells_when_it_is_tried_again(bench: Bench, delay: Any) -> None:
    """Huey's own delay, or the one that the job asked for; none when nothing follows."""
    answers = iter([RuntimeError(), RetryTask(delay=delay)])

    @bench.huey.task(retries=2, retry_delay=60, retry_backoff=2)
    def fail() -> None:
        answer = next(answers)
        raise answer from (OSError("busy") if isinstance(answer, RetryTask) else None)

    task = fail.s()
    bench.huey.execute(task)
    bench.huey.execute(fail.s(retries=1))
    first, second = bench.all(Failure)

    assert (first.error.type, first.retry_delay, first.will_retry) == ("builtins.RuntimeError", 60, True)
    assert (second.error.type, second.retry_delay, second.will_retry) == ("builtins.OSError", 90, True)


def test_a_failure_carries_its_cause_and_its_stack(bench: Bench) -> None:
    """The error as the job raised it, from Huey's call down to the line."""

    @bench.huey.task()
    def fail() -> None:
        try:
            int("seven")
        except ValueError as error:
            raise RuntimeError("no number") from error

    fail()
    bench.work()
    error = bench.only(Failure).error

    assert error.message == "no number"
    assert error.cause is not None
    assert error.cause.type == "builtins.ValueError"
    assert error.frames[-1].function.endswith("fail")


def test_a_time_limit_that_the_job_checks_is_a_timeout(bench: Bench) -> None:
    """Threads can't be interrupted, but a job may look at the clock itself."""

    @bench.huey.task(timeout=0.000_001, context=True)
    def compute(task: Any) -> None:
        while True:
            task.check_timeout()

    compute()
    bench.work()

    assert bench.story == list(ran("failure timeout final"))
    assert bench.only(Failure).error.matches(TaskTimeout)


def test_a_result_that_cannot_be_stored_is_a_failure(bench: Bench) -> None:
    """Huey tells nobody: its signals end with the start of the job. The error is in the report all the same."""

    @bench.huey.task(retries=1)
    def give() -> Callable[[], None]:
        return lambda: None

    give()
    with pytest.raises(Exception, match="local object"):
        bench.work()

    assert bench.story == list(FAILED)
    assert "local object" in bench.only(Failure).error.message


def test_the_error_of_the_job_comes_before_that_of_the_storage(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the storage fails once the job has failed, the job is lost, and its own error is the one to know."""

    @bench.huey.task(retries=1)
    def fail() -> None:
        raise RuntimeError("the job's")

    def refuse(key: str, data: object) -> None:
        raise OSError("the storage's")

    fail()
    monkeypatch.setattr(bench.huey, "put_result", refuse)
    with pytest.raises(OSError, match="the storage's"):
        bench.work()

    assert bench.story == list(FAILED)
    assert bench.only(Failure).error.message == "the job's"


def test_an_abort_is_hueys_cancellation(bench: Bench) -> None:
    """Huey doesn't log it as an error, tells nobody of an error, and keeps the reason as the result."""
    errors: list[str] = []

    @bench.huey.signal(SIGNAL_ERROR)
    def failed(signal: str, task: Any, error: BaseException) -> None:
        errors.append(repr(error))

    @bench.huey.task(retries=3)
    def skip() -> None:
        raise Abort("no_stock")

    result = skip()
    bench.work()

    assert bench.story == list(ran("aborted no_stock"))
    assert errors == []
    with pytest.raises(TaskException, match="no_stock"):
        result()


def test_an_abort_may_ask_for_another_try(bench: Bench) -> None:
    """``will_retry`` is Huey's decision from there on, so it happens."""
    aborts = iter([Abort("not_yet", will_retry=True)])

    @bench.huey.task()
    def skip() -> None:
        for abort in aborts:
            raise abort

    skip()
    bench.work()

    assert bench.story == [*ran("aborted not_yet will retry"), *SUCCEEDED]


def test_what_huey_will_try_again_is_known(bench: Bench) -> None:
    """Cancelled or locked out: with retries left another attempt follows."""
    answers = iter([CancelExecution(retry=True), CancelExecution(), TaskLockedException()])

    @bench.huey.task(retries=3)
    def give_up() -> None:
        for answer in answers:
            raise answer

    give_up()
    bench.work()

    assert [event for event in bench.story if event.startswith("aborted")] == [
        "aborted cancelled will retry",
        "aborted cancelled will retry",
        "aborted locked will retry",
    ]


def test_a_job_that_a_hook_cancels_is_not_tried_again(bench: Bench) -> None:
    """A pre-execute hook that cancels ends the job, whatever retries it has, and Huey runs no hook after it."""

    @bench.huey.pre_execute()
    def refuse(task: Any) -> None:
        raise CancelExecution

    @bench.huey.task(retries=2)
    def work() -> None: ...

    work()
    bench.work()

    assert bench.story == list(ran("aborted cancelled"))
    assert bench.only(Aborted).will_retry is False


@pytest.mark.parametrize("error", [CancelledError(), Own()], ids=repr)
def test_whatever_else_leaves_a_job_is_a_failure(bench: Bench, error: BaseException) -> None:
    """Huey's worker dies of it, and the job is lost: it is final."""

    @bench.huey.task(retries=2)
    def leave() -> None:
        raise error

    leave()
    with pytest.raises(type(error)):
        bench.work()

    assert bench.story == list(FAILED)
    assert bench.only(Failure).will_retry is False


@pytest.mark.parametrize(
    ("exit_code", "outcome"), [(3, "aborted shutdown"), (0, "success"), (KeyboardInterrupt, "aborted shutdown")]
)
def test_a_job_that_exits(bench: Bench, exit_code: Any, outcome: str) -> None:
    """An exit means the same as in any program that reports, and goes its way."""

    @bench.huey.task()
    def leave() -> None:
        raise KeyboardInterrupt if exit_code is KeyboardInterrupt else SystemExit(exit_code)

    leave()
    if exit_code is KeyboardInterrupt:  # Huey takes this for its own signal, and lets the worker end by itself
        bench.work()
    else:
        with pytest.raises(SystemExit):
            bench.work()

    assert bench.story == list(ran(outcome))
