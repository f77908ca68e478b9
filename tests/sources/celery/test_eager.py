"""Jobs that run eagerly, within the process that asks for them: nothing is sent, and nothing is stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Task, chain
from celery.exceptions import Ignore, Reject, Retry
from celery_bench import Desk, desk_of
from scenarios import FAILED, FAILED_AT_FIRST, SUCCEEDED, ran

from jobreporter import Abort
from jobreporter.events import Aborted, Failure, Started


class BusyError(Exception):
    """Not yet."""


def flaky(desk: Desk, **options: Any) -> Task:
    """A task that fails at first, and asks for another try in the way that its argument says."""

    @desk.task(bind=True, **options)
    def work(self: Task, how: str = "error") -> int:
        if self.request.retries:
            return 42
        if how == "no error":
            raise self.retry()
        if how == "nobody's":
            raise Retry("later", exc=BusyError("busy"), when=1)
        if how == "autoretry":
            raise BusyError("busy")
        raise self.retry(exc=BusyError("busy"), countdown=3600)

    return work


@pytest.mark.parametrize("how", ["error", "no error", "autoretry"])
def test_a_retry_runs_at_once(desk: Desk, how: str) -> None:
    """It is sent to nobody, and comes all the same, without waiting for its time."""
    result = flaky(desk, autoretry_for=(BusyError,) if how == "autoretry" else ()).apply([how])
    first, second = desk.all(Started)
    outcome = desk.events[1]

    assert result.get() == 42
    assert (first.job.attempt, second.job.attempt) == (1, 2)
    assert first.job.id == second.job.id
    assert outcome.will_retry is True
    if isinstance(outcome, Failure):
        assert (outcome.error.type.rpartition(".")[2], outcome.retry_delay) == ("BusyError", 0.0)


@pytest.mark.parametrize("how", ["error", "autoretry", "nobody's"])
def test_where_errors_are_passed_on_nothing_is_tried_again(desk: Desk, how: str) -> None:
    """With ``task_eager_propagates`` the caller gets Celery's ``Retry``. The job has failed, for good, with its own error."""
    desk.app.conf.task_eager_propagates = True
    with pytest.raises(Retry):
        flaky(desk, autoretry_for=(BusyError,) if how == "autoretry" else ()).apply([how])
    failure = desk.only(Failure)

    assert desk.story == list(FAILED)
    assert failure.error.type.endswith("BusyError")
    assert failure.error.message == "busy"


def test_a_retry_without_an_error_that_is_passed_on(desk: Desk) -> None:
    """It is given up: nobody tries it again."""
    with pytest.raises(Retry):
        flaky(desk).apply(["no error"], throw=True)

    assert desk.story == list(ran("aborted retry_requested"))
    assert desk.only(Aborted).will_retry is False


def test_a_retry_that_has_no_message_is_not_tried_again(desk: Desk) -> None:
    """``Retry`` says it, and only ``retry`` knows what to run."""
    flaky(desk).apply(["nobody's"])

    assert desk.story == list(FAILED)


@pytest.mark.parametrize("throw", [True, False])
def test_an_error_is_passed_on_or_kept(desk: Desk, throw: bool) -> None:
    """Either way it is one failure."""

    @desk.task
    def fail() -> None:
        raise BusyError("busy")

    if throw:
        with pytest.raises(BusyError):
            fail.apply(throw=True)
    else:
        fail.apply()

    assert desk.story == list(FAILED)
    assert desk.only(Failure).error.message == "busy"


@pytest.mark.parametrize("hook", ["on_success", "after_return", "on_failure", "on_retry"])
def test_what_a_hook_raises_is_the_job_s_end(desk: Desk, hook: str) -> None:
    """Celery passes it on to the caller, so the job has failed; and what was not sent does not come again."""

    def raise_it(*_: object) -> None:
        raise LookupError(hook)

    @desk.task(bind=True, **{hook: raise_it})
    def work(self: Task) -> None:
        if hook == "on_failure":
            raise BusyError("busy")
        if hook == "on_retry":
            raise self.retry(exc=BusyError("busy"))

    with pytest.raises(LookupError):
        work.apply()

    assert desk.story == list(FAILED)
    assert desk.only(Failure).error.message == hook


def test_a_link_that_fails_fails_the_job_before_it(desk: Desk) -> None:
    """Where errors are passed on, that of the next job goes through the one that runs it: Celery fails both."""
    desk.app.conf.update(task_always_eager=True, task_eager_propagates=True)

    @desk.task
    def first() -> None: ...

    @desk.task
    def second() -> None:
        raise BusyError("busy")

    with pytest.raises(BusyError):
        first.apply(link=second.si())

    assert desk.story == ["started", "started", *FAILED[1:], *FAILED[1:]]


def test_an_error_further_out_is_not_the_job_s(desk: Desk) -> None:
    """A job that runs while an error is being handled succeeds, though there is an exception in the making."""

    @desk.task
    def work() -> None: ...

    def tidy_up(*_: object) -> None:
        work.apply()

    @desk.task(on_failure=tidy_up)
    def fail() -> None:
        raise BusyError("busy")

    try:
        int("seven")
    except ValueError:
        work.apply()
    fail.apply()

    assert desk.story == [*SUCCEEDED, "started", *SUCCEEDED, *FAILED[1:]]


@pytest.mark.parametrize(
    "headers", [["a"], "text", 7, {"jobreporter": "rubbish"}, {"jobreporter": ["rubbish"]}], ids=repr
)
def test_headers_may_be_anything(desk: Desk, headers: object) -> None:
    """Nobody checks what a caller passes. What is no stamp tells nothing."""

    @desk.task
    def work() -> None: ...

    work.apply(headers=headers)

    assert desk.story == list(SUCCEEDED)
    assert desk.only(Started).job.enqueued_at is None


def test_arguments_that_can_be_read_once_are_left_to_the_job(desk: Desk) -> None:
    """Celery passes on what it is given, such as a generator; who reads that first has it alone."""
    got: list[object] = []

    @desk.task
    def work(*numbers: int) -> None:
        got.extend(numbers)

    work.apply(number for number in range(3))

    assert got == [0, 1, 2]
    assert desk.story == list(SUCCEEDED)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Abort("skipped"), "aborted skipped"),
        (Ignore(), "aborted ignored"),
        (Reject("no", requeue=True), "aborted requeued"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("throw", [True, False])
def test_giving_up_is_no_failure(desk: Desk, error: Exception, outcome: str, throw: bool) -> None:
    """Nor does anything come again: there is no message to put back."""

    @desk.task
    def work() -> None:
        raise error

    work.apply(throw=throw)

    assert desk.story == list(ran(outcome))
    assert desk.only(Aborted).will_retry is False


def test_a_late_task_knows_abort(desk: Desk) -> None:
    """A task that is registered when the app is long in use, and has a class of its own."""
    desk.app.finalize()

    class Own(Task):
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return super().__call__(*args, **kwargs)

    @desk.task(base=Own, autoretry_for=(Exception,))
    def skip() -> None:
        raise Abort("skipped")

    skip.apply(throw=True)

    assert desk.story == list(ran("aborted skipped"))


@pytest.fixture
def always_eager() -> Iterator[Desk]:
    """An app whose every job runs where it is asked for."""
    with desk_of(task_always_eager=True) as desk:
        yield desk


def test_a_chain_runs_within_its_caller(always_eager: Desk) -> None:
    """Each of its jobs is an execution, with the retries of its own."""
    task = flaky(always_eager)
    result = chain(task.si(), task.si("no error")).apply_async()

    assert result.get() == 42
    assert always_eager.story == [
        *FAILED_AT_FIRST,
        *SUCCEEDED,
        *ran("aborted retry_requested will retry"),
        *SUCCEEDED,
    ]


def test_the_retry_of_another_is_no_retry_of_the_job_s(desk: Desk) -> None:
    """Celery tries the other one again, in place of the job that has passed its ``Retry`` on."""
    other = flaky(desk)

    @desk.task
    def pass_on() -> None:
        other.apply(["no error"], throw=True)

    pass_on.apply()
    ends = {event.job.name.rpartition(".")[2]: event.will_retry for event in desk.all(Aborted)}

    assert ends == {"work": False, "pass_on": False}
