"""What a job is reported to have come to, in the process that runs it."""

from __future__ import annotations

import logging
import threading
from asyncio import CancelledError
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import gevent
import pytest
from celery import Task, chain
from celery.app.task import Context
from celery.exceptions import Ignore, Reject
from celery_bench import Desk, desk_of
from scenarios import FAILED, SUCCEEDED, ran

from jobreporter import Abort, Execution
from jobreporter.events import Aborted, Failure, Started, Success
from jobreporter.sources.celery._run import REPLACED


class Own(BaseException):
    """A program's own, which no ``except Exception`` catches."""


@pytest.mark.parametrize(
    ("replacement", "children"),
    [(lambda step: step.si(), 1), (lambda step: chain(step.si(), step.si()), 2)],
    ids=["one", "chain"],
)
def test_a_job_that_is_replaced(desk: Desk, replacement: Callable[[Task], Any], children: int) -> None:
    """By one job under its id, or by several."""

    @desk.task
    def step() -> None: ...

    @desk.task(bind=True)
    def replace(self: Task) -> Any:
        return self.replace(replacement(step))

    desk.work_on(replace, task_id="1")

    assert desk.story == [*ran("aborted replaced"), *(SUCCEEDED * children)]
    assert desk.events[-1].job.id == "1"


def test_the_words_of_a_replacement(desk: Desk) -> None:
    """Celery has nothing but these words to tell it from a job that asks to be ignored."""

    @desk.task(bind=True)
    def replace(self: Task) -> Any:
        return self.replace(replace.si())

    replace.request_stack.push(Context(id="1", is_eager=False, called_directly=False))
    with pytest.raises(Ignore, match=REPLACED):
        replace.run()


@pytest.mark.parametrize("requeue", [True, False])
def test_a_rejection_says_whether_the_job_comes_again(desk: Desk, requeue: bool) -> None:
    """Requeued it does."""

    @desk.task(acks_late=True)
    def refuse() -> None:
        raise Reject("no", requeue=requeue)

    desk.work_on(refuse)

    assert desk.only(Aborted).reason == ("requeued" if requeue else "rejected")
    assert desk.only(Aborted).will_retry is requeue


def test_abort_is_nothing_that_celery_logs_or_tries_again(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Even a task that retries for any exception lets it pass, and nothing comes again because the job says so."""

    @desk.task(autoretry_for=(Exception,), max_retries=3)
    def skip() -> None:
        raise Abort("not today")

    @desk.task(bind=True, base=Bound)
    def skip_too(self: Task) -> None:
        raise Abort("nor tomorrow", will_retry=True)

    with caplog.at_level(logging.INFO):
        desk.work_on(skip)
        desk.work_on(skip_too)

    assert desk.story == [*ran("aborted not today"), *ran("aborted nor tomorrow")]
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


class Bound(Task):
    """A task whose class defines how it is called."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return super().__call__(*args, **kwargs)


def test_a_task_called_as_a_function_is_no_execution(desk: Desk) -> None:
    """It runs within the job that calls it, and what it raises is an ordinary exception, `Abort` among them."""

    @desk.task
    def inner() -> None:
        raise Abort("skipped")

    @desk.task
    def outer() -> None:
        with pytest.raises(Abort, match="skipped"):
            inner()

    desk.work_on(outer)

    assert desk.story == list(SUCCEEDED)


@pytest.mark.parametrize(
    ("when", "delay"),
    [
        ({"countdown": 90}, 90),
        ({"eta": timedelta(seconds=90)}, 90),
        ({"eta": timedelta(seconds=-90)}, 0),
        ({}, 7),
    ],
)
def test_a_failure_tells_when_it_is_tried_again(desk: Desk, when: dict[str, Any], delay: float) -> None:
    """The delay that the job asks for, or the task's own."""
    when = {name: datetime.now(UTC) + value if name == "eta" else value for name, value in when.items()}

    @desk.task(bind=True, default_retry_delay=7, max_retries=1)
    def fail(self: Task) -> None:
        raise self.retry(exc=RuntimeError("not yet"), **when)

    desk.work_on(fail)
    first, last = desk.all(Failure)

    assert first.will_retry is True
    assert first.retry_delay == pytest.approx(delay, abs=30)
    assert (last.will_retry, last.retry_delay) == (False, None)
    assert last.error.type == "builtins.RuntimeError"


def test_retries_without_end(desk: Desk) -> None:
    """A task that may be retried for ever has no last attempt."""

    @desk.task(max_retries=None)
    def work() -> None: ...

    desk.work_on(work)

    assert desk.only(Started).job.max_attempts is None


class UnpicklableError(Exception):
    """Celery puts a wrapper in its place, for other processes."""

    def __init__(self, lock: object) -> None:
        super().__init__("can't be pickled")
        self.lock = lock


@pytest.mark.parametrize("retried", [True, False])
def test_an_error_is_the_one_that_was_raised(desk: Desk, retried: bool) -> None:
    """With its type, its cause and its stack, also where Celery needs a copy that it can send."""
    errors = (UnpicklableError,) if retried else ()

    @desk.task(autoretry_for=errors, retry_kwargs={"countdown": 0}, max_retries=0 if not retried else 1)
    def fail() -> None:
        try:
            int("seven")
        except ValueError as error:
            raise UnpicklableError(threading.Lock()) from error

    desk.work_on(fail)
    for failure in desk.all(Failure):
        assert failure.error.type.endswith("UnpicklableError")
        assert failure.error.cause is not None
        assert failure.error.cause.type == "builtins.ValueError"
        assert failure.error.frames[-1].function.endswith("fail")
    assert [event.final for event in desk.all(Failure)] == [False, True][not retried :]


def test_locals_are_those_of_the_job() -> None:
    """Celery clears an error's frames before it says that the job has ended; by then they were read."""
    with desk_of({"capture": {"locals": True}}) as desk:

        @desk.task
        def fail() -> None:
            customer = "acme"
            raise RuntimeError(len(customer))

        desk.work_on(fail)

        assert desk.only(Failure).error.frames[-1].locals["customer"] == "acme"


def test_a_result_that_cannot_be_stored_is_a_failure() -> None:
    """For Celery as well: the job's own code was over, its success wasn't."""
    with desk_of(result_backend="cache+memory://") as desk:

        @desk.task
        def give() -> object:
            return object()

        desk.work_on(give)

        assert desk.story == list(FAILED)
        assert "serializable" in desk.only(Failure).error.message


@pytest.mark.filterwarnings("ignore:Exception raised outside body")
def test_an_error_of_celerys_own_ends_the_execution(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """If it can't even store that the job has failed, it says nothing more of it; the job's error is in the report."""

    @desk.task
    def fail() -> None:
        raise RuntimeError("the job's")

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise OSError("the backend's")

    monkeypatch.setattr(desk.app.backend, "mark_as_failure", refuse)
    desk.work_on(fail)
    error = desk.only(Failure).error

    assert desk.story == list(FAILED)
    assert (error.message, error.context.message) == ("the backend's", "the job's")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (SystemExit(3), "aborted shutdown"),
        (SystemExit(0), "success"),
        (KeyboardInterrupt(), "aborted shutdown"),
    ],
    ids=repr,
)
def test_a_job_that_exits_where_it_is_alone_in_its_process(desk: Desk, error: BaseException, outcome: str) -> None:
    """It means the same as in any program that reports, and goes its way."""

    @desk.task
    def leave() -> None:
        raise error

    with pytest.raises(type(error)):
        desk.work_on(leave)

    assert desk.story == list(ran(outcome))


@pytest.mark.parametrize("error", [CancelledError("the call was cancelled"), GeneratorExit(), Own()], ids=repr)
@pytest.mark.parametrize("late", [False, True], ids=["acknowledged", "late"])
def test_whatever_else_leaves_a_job_is_a_failure(desk: Desk, error: BaseException, late: bool) -> None:
    """As Celery has it, which goes on. Nothing is sent for another attempt; what isn't acknowledged, a later worker may get."""

    @desk.task(acks_late=late)
    def leave() -> None:
        raise error

    with pytest.raises(type(error)):
        desk.work_on(leave)

    assert desk.only(Failure).error.matches(type(error))
    assert desk.only(Failure).will_retry is (None if late else False)


@pytest.mark.parametrize("acknowledged", [True, False])
def test_a_greenlet_that_exceeds_its_limit_comes_again_if_celery_puts_it_back(desk: Desk, acknowledged: bool) -> None:
    """Which Celery does once the job has ended."""

    @desk.task(acks_late=True, acks_on_failure_or_timeout=acknowledged)
    def linger() -> None:
        raise gevent.Timeout  # that never runs out, and needs no loop

    with pytest.raises(gevent.Timeout):
        desk.work_on(linger)

    assert desk.only(Failure).kind == "timeout"
    assert desk.only(Failure).will_retry is not acknowledged


def test_a_job_may_say_itself_what_it_has_come_to(desk: Desk) -> None:
    """What it notes on its execution stays, if it returns."""

    @desk.task
    def work() -> None:
        execution = Execution.current()
        assert execution is not None
        execution.tag(customer="acme")
        execution.abort("nothing to do")

    desk.work_on(work)

    assert desk.only(Aborted).reason == "nothing to do"
    assert desk.only(Aborted).tags == {"customer": "acme"}
    assert Execution.current() is None


def test_a_job_that_runs_inside_a_job_does_not_mix_with_it(desk: Desk) -> None:
    """``apply`` runs a job at once, without a message: it has its own execution, and tells that it was eager."""

    @desk.task
    def inner() -> None:
        raise RuntimeError("inside")

    @desk.task
    def outer() -> None:
        inner.apply()
        Execution.current().tag(which="outer")  # type: ignore[union-attr] - it is what the test is about

    desk.work_on(outer)

    assert desk.story == ["started", *FAILED, "success", "stopped success"]
    assert [event.job.extra.get("eager") for event in desk.all(Started)] == [None, True]
    assert desk.only(Success).tags == {"which": "outer"}


@pytest.mark.filterwarnings("ignore:Exception raised outside body")
@pytest.mark.parametrize("with_error", [False, True])
def test_a_hook_that_asks_for_another_attempt(desk: Desk, with_error: bool) -> None:
    """Celery takes that for the hook's own failure, and has sent the message. The job's is what it has failed with."""

    class Persistent(Task):
        def on_failure(self, exc: BaseException, *_: object) -> None:
            raise self.retry(countdown=0, **({"exc": exc} if with_error else {}))

    @desk.task(bind=True, base=Persistent)
    def work(self: Task) -> None:
        if not self.request.retries:
            raise LookupError("the job's own")

    desk.work_on(work)
    failure = desk.only(Failure)

    assert (failure.error.message, failure.will_retry) == ("the job's own", True)
    assert tuple(desk.story[-len(SUCCEEDED) :]) == SUCCEEDED
