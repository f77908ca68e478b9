"""What is particular to Celery: how its facts become a job's, what its two sides of a fork report, and its time limits."""

from __future__ import annotations

import functools
import gc
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

import billiard
import celery
import celery_app
import pytest
from billiard.einfo import ExceptionInfo
from billiard.pool import soft_timeout_sighandler
from celery import Celery, Task, chain, group, signals
from celery.app.task import Context
from celery.concurrency.base import BasePool
from celery.concurrency.prefork import TaskPool
from celery.exceptions import Ignore, Reject, SoftTimeLimitExceeded, TimeLimitExceeded, WorkerLostError
from celery.utils.imports import symbol_by_name
from celery.utils.log import in_sighandler
from celery.worker import state
from celery.worker.request import Request
from celery.worker.strategy import proto1_to_proto2
from conftest import MakeBench, NewQueue
from kombu import Exchange, Queue
from reported import Events, Reported, bug, recording, times_logged, use_config
from scenarios import FAILED, SHUT_DOWN, SUCCEEDED, ran, summary
from workers import UNUSABLE, Bench, wait_for

from jobreporter import Abort, Dispatcher, Execution, JobReporterError
from jobreporter.events import Aborted, Failure, Started, Stopped, Success
from jobreporter.sources import celery as source
from jobreporter.sources._lazy import LazyDispatcher
from jobreporter.sources.celery import attach
from jobreporter.sources.celery._children import Begun, Children, _at
from jobreporter.sources.celery._pool import Pool
from jobreporter.sources.celery._run import REPLACED, Run
from jobreporter.sources.celery._soft_limit import raise_into


class Sender:
    """Stands for a worker or its consumer, as far as signals tell of them."""

    def __init__(self, app: Celery, pool: BasePool | None = None) -> None:
        self.app = app
        self.pool = pool


class Desk(Reported):
    """A Celery app in memory whose jobs run when the test says so, and what was reported of them."""

    def __init__(self, app: Celery, dispatcher: Dispatcher, events: Events) -> None:
        super().__init__(events)
        self.app = app
        self.dispatcher = dispatcher
        #: Of this app alone: without a word Celery makes a task one of every app's.
        self.task = functools.partial(app.task, shared=False)

    def requests(self) -> Iterator[Request]:
        """What a worker makes of each message that waits, and of those that follow."""
        with self.app.connection_for_read() as connection:
            while message := self.app.amqp.default_queue(connection.default_channel).get(accept=["json"]):
                yield self.request(message)

    def request(self, message: Any) -> Request:
        task = self.app.tasks[message.headers["task"]]
        return symbol_by_name(task.Request)(
            message,
            app=self.app,
            task=task,
            on_ack=lambda *_: message.ack(),
            on_reject=lambda _logger, _errors, requeue: message.reject(requeue=requeue),
        )

    def work(self) -> None:
        """Do what a worker does, until no message is left. Nothing waits for its time."""
        for request in self.requests():
            request.execute()

    def work_on(self, task: Task, *args: Any, **options: Any) -> None:
        """Enqueue one job, and do what a worker does."""
        task.apply_async(args, **options)
        self.work()


def app_in_memory(name: str, **settings: Any) -> Celery:
    """Its queue is its own: brokers in memory are all the same one."""
    app = Celery(name, broker="memory://", set_as_current=False)
    app.conf.update(task_default_queue=token_hex(4), **settings)
    return app


@contextmanager
def desk_of(config: Mapping[str, object] | None = None, **settings: Any) -> Iterator[Desk]:
    """config: jobreporter's. settings: Celery's."""
    app = app_in_memory("desk", **settings)
    with recording(config) as (dispatcher, events):
        attach(app, dispatcher)
        yield Desk(app, dispatcher, events)
    app.close()


@pytest.fixture
def desk() -> Iterator[Desk]:
    with desk_of() as desk:
        yield desk


# The facts of a job


def test_a_job_carries_what_celery_knows_of_it(desk: Desk) -> None:
    """Its id, its name, its queue, its arguments by their names, its attempt, its priority, and when it was enqueued."""

    @desk.task(bind=True, max_retries=2, name="mail.send", time_limit=30)
    def send(self: Task, address: str, subject: str) -> None: ...

    before = time.time()
    desk.work_on(send, "a@example.org", "hello", task_id="7", priority=3, soft_time_limit=5)
    job = desk.only(Started).job

    assert (job.id, job.name, job.source) == ("7", "mail.send", "celery")
    assert re.fullmatch("7:1:[0-9a-f]{8}", job.execution_id)
    assert (job.queue, job.priority) == (desk.app.conf.task_default_queue, 3)
    assert (job.args, job.kwargs) == (("a@example.org", "hello"), {})
    assert (job.attempt, job.max_attempts) == (1, 3)
    assert before <= job.enqueued_at <= time.time()
    assert job.scheduled_at is None
    assert job.worker.endswith(f":{os.getpid()}")
    assert (job.correlation_id, job.root_id, job.parent_id) == ("7", "7", None)
    assert (job.extra["timeout"], job.extra["soft_timeout"]) == (30, 5)
    assert job.extra.keys() == {"node", "timeout", "soft_timeout"}


def test_a_positional_secret_is_redacted_by_its_name(desk: Desk) -> None:
    """Names come from the function, behind what Celery and jobreporter wrap around it, and without its ``self``."""

    @desk.task(bind=True, autoretry_for=(OSError,))
    def charge(self: Task, customer: str, api_key: str) -> None: ...

    desk.work_on(charge, "acme", "canary")

    assert desk.only(Started).job.args[0] == "acme"
    assert "canary" not in repr(desk.events)


def test_times_are_unix_seconds(desk: Desk) -> None:
    """When it was meant to run, and when it expires; a time without a zone is in the app's."""
    due, late = datetime.now(UTC) - timedelta(hours=2), datetime.now(UTC) + timedelta(hours=2)
    desk.app.conf.timezone = "Asia/Tokyo"

    @desk.task
    def remind() -> None: ...

    desk.work_on(remind, eta=due, expires=late)
    started = desk.only(Started)

    assert started.job.scheduled_at == pytest.approx(due.timestamp(), abs=1)
    assert started.job.extra["expires_at"] == pytest.approx(late.timestamp(), abs=1)
    assert desk.only(Success).queue_wait == pytest.approx(0, abs=5)
    assert source.describe.__globals__["seconds"](desk.app, "2026-01-01T09:00:00") == 1767225600


def test_the_queue_is_found_by_exchange_and_routing_key(desk: Desk) -> None:
    """A message names these two, which need not be the queue's name."""
    desk.app.conf.task_queues = [Queue("letters", Exchange("post"), routing_key="mail.letter")]

    @desk.task
    def work() -> None: ...

    fields = source.describe(
        work, Context(id="1", delivery_info={"exchange": "post", "routing_key": "mail.letter"}), "0"
    )
    unknown = source.describe(work, Context(id="1", delivery_info={"exchange": "", "routing_key": "other"}), "0")

    assert (fields["queue"], unknown["queue"]) == ("letters", "other")


def test_a_job_hands_its_line_on(desk: Desk) -> None:
    """A job that enqueues another is its parent; the first of all is the root, and its line has one correlation id."""

    @desk.task
    def last() -> None: ...

    @desk.task
    def middle() -> None:
        last.apply_async(task_id="last")

    @desk.task
    def first() -> None:
        middle.apply_async(task_id="middle")

    desk.work_on(first, task_id="first", headers={"jobreporter": {"correlation_id": "request-1"}})
    jobs = [event.job for event in desk.all(Started)]

    assert [(job.id, job.parent_id, job.root_id) for job in jobs] == [
        ("first", None, "first"),
        ("middle", "first", "first"),
        ("last", "middle", "first"),
    ]
    assert {job.correlation_id for job in jobs} == {"request-1"}


def test_a_chain_is_one_line(desk: Desk) -> None:
    """What Celery itself enqueues when a job has ended is that job's child."""

    @desk.task
    def step() -> None: ...

    chain(step.si().set(task_id="1"), step.si().set(task_id="2")).apply_async()
    desk.work()
    jobs = [event.job for event in desk.all(Started)]

    assert [(job.id, job.parent_id, job.root_id, job.correlation_id) for job in jobs] == [
        ("1", None, "1", "1"),
        ("2", "1", "1", "1"),
    ]
    assert desk.story == [*SUCCEEDED, *SUCCEEDED]


def test_members_of_a_group_name_it(desk: Desk) -> None:
    """Its id is a fact of Celery's own."""

    @desk.task
    def part() -> None: ...

    result = group(part.si(), part.si()).apply_async()
    desk.work()

    assert {event.job.extra["group"] for event in desk.events} == {result.id}


def test_a_retry_keeps_its_line_and_is_enqueued_anew(desk: Desk) -> None:
    """It is the same job: not its own child, with a new time and a new execution."""

    @desk.task(bind=True)
    def again(self: Task) -> None:
        if self.request.retries < 2:
            raise self.retry(countdown=0)

    desk.work_on(again, task_id="1", headers={"jobreporter": {"correlation_id": "request-1"}})
    jobs = [event.job for event in desk.all(Started)]

    assert [(job.id, job.attempt, job.parent_id, job.root_id) for job in jobs] == [
        ("1", 1, None, "1"),
        ("1", 2, None, "1"),
        ("1", 3, None, "1"),
    ]
    assert {job.correlation_id for job in jobs} == {"request-1"}
    assert [job.enqueued_at for job in jobs] == sorted({job.enqueued_at for job in jobs})
    assert len({job.execution_id for job in jobs}) == 3


def test_a_message_that_nobody_has_stamped(desk: Desk) -> None:
    """From another program, or from a hostile one: what isn't known stays unknown, and the line is Celery's own."""

    @desk.task
    def work() -> None: ...

    work.apply_async(task_id="1", root_id="0", parent_id="0")
    for request in desk.requests():
        request.request_dict["jobreporter"] = ["rubbish"]
        request.execute()
    job = desk.only(Started).job

    assert (job.enqueued_at, job.correlation_id, job.root_id, job.parent_id) == (None, "0", "0", "0")


def test_the_older_protocol(desk: Desk) -> None:
    """Messages of Celery's first protocol keep their headers elsewhere: the stamp is found there too."""
    desk.app.conf.task_protocol = 1

    @desk.task
    def work(api_key: str) -> None: ...

    work.apply_async(["canary"], task_id="1")
    with desk.app.connection_for_read() as connection:
        message = desk.app.amqp.default_queue(connection.default_channel).get(accept=["json"])
        body, headers, decoded, utc = proto1_to_proto2(message, message.payload)
        Request(message, app=desk.app, body=body, headers=headers, decoded=decoded, utc=utc).execute()

    assert desk.story == list(SUCCEEDED)
    assert desk.only(Started).job.enqueued_at == pytest.approx(time.time(), abs=60)
    assert "canary" not in repr(desk.events)


def test_the_token_of_a_delivery_stays_with_it(desk: Desk) -> None:
    """A worker writes it on the request; a retry takes all headers along, but not this one."""

    @desk.task(bind=True, max_retries=1)
    def again(self: Task) -> None:
        raise self.retry(countdown=0)

    again.apply_async()
    requests = desk.requests()
    first = next(requests)
    first.request_dict["jobreporter_delivery"] = "01234567"
    first.execute()
    second = next(requests)

    assert desk.events[0].job.execution_id.endswith(":1:01234567")
    assert "jobreporter_delivery" not in second.request_dict


def test_what_is_of_another_app_is_not_reported(desk: Desk) -> None:
    """Celery's signals are for all apps of a process."""
    other = app_in_memory("other")
    theirs = Desk(other, desk.dispatcher, lambda: desk.events)

    @other.task(shared=False, bind=True)
    def work(self: Task, error: str = "") -> None:
        if error:
            raise self.retry(exc=RuntimeError(error), countdown=0, max_retries=1)

    theirs.work_on(work)
    theirs.work_on(work, "failed")
    theirs.work_on(work, expires=-1)
    signals.worker_init.send(sender=Sender(other))

    assert desk.events == []
    other.close()


# Outcomes


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
    """Even a task that retries for any exception lets it pass."""

    @desk.task(autoretry_for=(Exception,), max_retries=3)
    def skip() -> None:
        raise Abort("not today")

    @desk.task(bind=True, base=Bound)
    def skip_too(self: Task) -> None:
        raise Abort("nor tomorrow", will_retry=True)

    with caplog.at_level(logging.INFO):
        desk.work_on(skip)
        desk.work_on(skip_too)

    assert desk.story == [*ran("aborted not today"), *ran("aborted nor tomorrow will retry")]
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


# Time limits that land in here


@pytest.fixture
def limit() -> Iterator[Callable[[], None]]:
    """Has the soft time limit come now, as it does in a child of the pool."""
    before = signal.signal(signal.SIGUSR1, soft_timeout_sighandler)
    yield lambda: signal.raise_signal(signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)


def first_call(interrupt: Callable[[], None], function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, interrupted at its first call."""
    interruptions = iter([interrupt])

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        for each in interruptions:
            each()
        return function(*args, **kwargs)

    return interrupted


def be_busy() -> None:
    """For as long as the limit may take to come back."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        pass


@pytest.mark.parametrize("where", ["describe", "delivery_of"])
def test_a_limit_that_lands_in_the_start_reaches_the_job(
    desk: Desk, limit: Callable[[], None], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Celery swallows what a receiver of its signals raises; so it comes once more, when the receiver is done."""

    @desk.task
    def work() -> None:
        be_busy()

    monkeypatch.setattr(source, where, first_call(limit, getattr(source, where)))
    desk.work_on(work)

    assert desk.story == list(ran("failure timeout final"))
    assert desk.only(Failure).error.matches(SoftTimeLimitExceeded)


@pytest.mark.parametrize("step", ["enter", "start"])
def test_a_limit_within_the_start_starts_nothing_twice(
    desk: Desk, limit: Callable[[], None], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Wherever it lands, the execution has at most one start, and all of its end."""

    @desk.task
    def work() -> None:
        be_busy()

    inside = getattr(Execution, step)
    interrupt = iter([limit])

    def interrupted(execution: Execution) -> Any:
        result = inside(execution)
        for each in interrupt:
            each()
        return result

    monkeypatch.setattr(Execution, step, interrupted)
    desk.work_on(work)

    assert desk.story == list(ran("failure timeout final"))


def test_a_limit_that_lands_in_the_sending_of_a_message_reaches_the_job(
    desk: Desk, limit: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job may catch it, as it may any time limit of its own; the message has its stamp."""
    caught: list[BaseException] = []

    @desk.task
    def child() -> None: ...

    @desk.task
    def work() -> None:
        try:
            child.delay()
            be_busy()
        except SoftTimeLimitExceeded as error:
            caught.append(error)

    work.delay()
    monkeypatch.setattr(source, "stamp", first_call(limit, source.stamp))
    desk.work()

    assert len(caught) == 1
    assert desk.story[:3] == list(SUCCEEDED)


def test_a_limit_that_lands_in_the_end_comes_too_late(
    desk: Desk, limit: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job has returned: it has succeeded, and what comes next in this process is left alone."""

    @desk.task
    def work() -> None: ...

    monkeypatch.setattr(Run, "settle", first_call(limit, Run.settle))
    desk.work_on(work)

    assert desk.story == list(SUCCEEDED)
    assert "jobreporter-soft-limit" not in {thread.name for thread in threading.enumerate()}


def test_a_limit_is_not_raised_into_another_job(desk: Desk, limit: Callable[[], None]) -> None:
    """If the job has ended before the limit could come back, it doesn't."""
    with desk.dispatcher.begin("over") as execution:
        context = copy_context()

    raise_into(context, execution, threading.get_ident())


def test_an_exit_that_lands_in_the_end_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that is told to end just then has ended its execution, and ends."""

    @desk.task
    def work() -> None: ...

    def leave() -> None:
        raise SystemExit(15)

    monkeypatch.setattr(Run, "settle", first_call(leave, Run.settle))
    with pytest.raises(SystemExit):
        desk.work_on(work)

    assert desk.story == list(SUCCEEDED)


def test_an_execution_that_celery_has_cut_off_ends_with_the_next(
    desk: Desk, limit: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit that lands in Celery's own signals keeps the end of the job from us. A child runs one job at a time."""

    @desk.task
    def work() -> None: ...

    monkeypatch.setattr(desk.app.jobreporter, "_in_child", True)
    monkeypatch.setattr(desk.app.jobreporter, "_pool", Pool(LazyDispatcher(desk.dispatcher)))
    receivers = signals.task_postrun._live_receivers
    monkeypatch.setattr(signals.task_postrun, "_live_receivers", first_call(limit, receivers))
    with pytest.warns(RuntimeWarning, match="Exception raised outside body"):
        desk.work_on(work)
    desk.work_on(work)

    assert desk.story == [*ran("aborted unknown"), *SUCCEEDED]


# The main process, which ends what a child could not


class Ending(BasePool):
    """A pool that can end the process of a job."""

    def terminate_job(self, pid: int, signal: int | None = None) -> None: ...


@contextmanager
def terminating() -> Iterator[None]:
    """A worker is ending at once."""
    state.should_terminate = True
    try:
        yield
    finally:
        state.should_terminate = None


@pytest.fixture
def pool(desk: Desk) -> Pool:
    return Pool(LazyDispatcher(desk.dispatcher))


@pytest.fixture
def gone() -> int:
    """The id of a process that has ended."""
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


def taken(desk: Desk, pool: Pool, pid: int, **options: Any) -> Any:
    """The request of a job that a child with this process id has taken."""

    @desk.task(name="work", **options)
    def work(customer: str, api_key: str) -> None: ...

    pool.watch(desk.app.tasks["work"])
    work.apply_async(["acme", "canary"], task_id="1")
    request = next(desk.requests())
    request.on_accepted(pid, time.monotonic())
    return request


def raised(error: BaseException) -> ExceptionInfo:
    """As the pool hands it to a request."""
    with pytest.raises(type(error)) as caught:
        raise error
    return ExceptionInfo((type(error), error, caught.tb))


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
    desk.app.jobreporter._pool = pool
    request = taken(desk, pool, gone, retry_on_worker_lost=True, default_retry_delay=7)
    request.on_failure(raised(WorkerLostError("signal 9")))
    failure = desk.only(Failure)

    assert (failure.kind, failure.will_retry, failure.retry_delay) == ("worker_lost", True, 7)


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
    monkeypatch.setattr(desk.app.jobreporter, "_in_child", True)
    monkeypatch.setattr(desk.app.jobreporter, "_pool", pool)
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


def in_child(children: Children, *names: str, begins: Mapping[str, str] | None = None) -> int:
    """A child of the pool that begins these, by delivery, ends those, and then itself."""
    child = os.fork()
    if child == 0:
        children.be_child()
        for delivery, name in (begins or {}).items():
            children.begins(delivery, name)
        for name in names:
            children.ends(name)
        os._exit(0)
    os.waitpid(child, 0)
    return child


def test_each_child_has_a_place_of_its_own() -> None:
    """What one has ended stays known when others come, and is forgotten when a child of its own ends many more."""
    children = Children()
    in_child(children, "aaaaaaaa")
    in_child(children, "bbbbbbbb", "cccccccc")
    in_child(children, "dddddddd", *(f"{number:08}" for number in range(7)))

    assert [children.have_ended(name * 8) for name in "abcde"] == [True, True, True, False, False]
    assert all(children.have_ended(f"{number:08}") for number in range(7))
    assert not children.have_ended("aaaabbbb")
    assert not children.have_ended("00000100")


def test_what_a_child_has_begun_last_is_known_by_its_delivery() -> None:
    """One after the other may begin the same; and what has begun has not ended."""
    children = Children()
    first = in_child(children, begins={"aaaaaaaa": "aaaaaaaa"})
    second = in_child(children, begins={"bbbbbbbb": "bbbbbbbb", "aaaaaaaa": "cccccccc"})

    assert list(children.begun("aaaaaaaa")) == [Begun(first, "aaaaaaaa"), Begun(second, "cccccccc")]
    assert list(children.begun("bbbbbbbb")) == []
    assert list(children.begun("aaaacccc")) == []
    assert not children.have_ended("aaaaaaaa")
    assert not children.have_ended("cccccccc")


def test_what_is_no_child_of_the_pool_writes_nothing() -> None:
    """A job may fork too, and a worker may have threads."""
    children = Children()
    children.ends("aaaaaaaa")

    assert not children.have_ended("aaaaaaaa")


def test_places_of_children_that_are_gone_are_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are many more than children at once, and a living child's is never given away."""
    children = Children()
    living = subprocess.Popen(["sleep", "60"])
    children.forking()
    taken = children._place
    children._write(_at(taken), living.pid.to_bytes(8, sys.byteorder))
    places = []
    for _ in range(2000):
        children.forking()
        places.append(children._place)
    living.kill()
    living.wait()

    assert len(set(places)) == 1023
    assert taken not in places


# What jobreporter must not do


def test_an_error_of_ours_is_logged_once_and_harms_no_job(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Jobs run as if nobody watched."""
    ran_jobs: list[int] = []

    @desk.task
    def work(number: int) -> None:
        ran_jobs.append(number)

    monkeypatch.setattr(desk.dispatcher, "resume", bug)
    for number in range(3):
        desk.work_on(work, number)

    assert ran_jobs == [0, 1, 2]
    assert times_logged(caplog, "could not be reported") == 1


def test_an_execution_ends_whatever_goes_wrong_at_its_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """If even its outcome can't be noted, it has stopped, for a reason that is unknown."""

    @desk.task
    def fail() -> None:
        raise RuntimeError

    monkeypatch.setattr(Execution, "fail", bug)
    desk.work_on(fail)

    assert desk.story == list(ran("aborted unknown"))


def test_jobs_run_where_nothing_can_be_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a worker's start to refuse, as for eager jobs, a config that can't be used is logged, once."""
    use_config(tmp_path, monkeypatch, UNUSABLE)
    app = Celery("desk", set_as_current=False, task_always_eager=True)
    app.conf.task_always_eager = True
    attach(app)

    @app.task(shared=False, bind=True)
    def work(self: Task, error: bool = False) -> int:
        if error:
            raise self.retry(exc=RuntimeError(), max_retries=0)
        return 42

    result = work.delay()
    work.delay(error=True)

    assert result.get() == 42
    assert times_logged(caplog, "[reporters.recorder]") == 1


def test_attaching_twice_is_refused(desk: Desk) -> None:
    """Every event would come twice, so the sentence says so; a proxy of the app is the app."""
    desk.app.set_current()
    with pytest.raises(JobReporterError, match="attach\\(\\) was called twice for the Celery app 'desk'"):
        attach(celery.current_app)


def test_an_app_that_nobody_uses_any_more_is_forgotten() -> None:
    """Celery holds what is connected to its signals weakly: jobreporter doesn't keep an app alive."""
    app = Celery("desk", set_as_current=False)
    attach(app)
    app.close()
    ours = weakref.ref(app.jobreporter)
    del app
    gc.collect()

    assert ours() is None


def test_tasks_that_exist_already(desk: Desk) -> None:
    """An app may be attached late: its tasks learn what `Abort` is then."""
    app = app_in_memory("late")

    @app.task(shared=False, autoretry_for=(Exception,))
    def skip() -> None:
        raise Abort("skipped")

    app.finalize()
    attach(app, desk.dispatcher)
    Desk(app, desk.dispatcher, lambda: desk.events).work_on(skip)

    assert desk.story == list(ran("aborted skipped"))
    app.close()


def test_a_pool_whose_processes_are_not_forked_is_told(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """They are other programs, with a copy of the app: what runs there isn't reported, and the log says so."""
    consumer = Sender(desk.app, TaskPool(1, app=desk.app))
    before = billiard.get_start_method()
    billiard.set_start_method("spawn", force=True)
    try:
        signals.worker_ready.send(sender=consumer)
    finally:
        billiard.set_start_method(before, force=True)

    assert "the pool's processes aren't forked (spawn)" in caplog.text


# Real workers, beyond what all sources have in common

#: Jobs that end in the very moment in which they are ended, and how.
RACES = {
    "dies after its end": SUCCEEDED,
    "lingers after its end": SUCCEEDED,
    "ends at its limit": SUCCEEDED,
    "ends though revoked": SUCCEEDED,
    "sends until its limit": ran("failure timeout final"),
}


@pytest.fixture(scope="module")
def raced(tmp_path_factory: pytest.TempPathFactory, new_queue: NewQueue) -> Iterator[Bench]:
    """The bench of a worker that has been through all races: one run for all the tests that look at it."""
    folder = tmp_path_factory.mktemp("races")
    source = celery_app.Source()
    bench = Bench(source, "prefork", folder, new_queue(source, folder))
    bench.send(*RACES, "exit", "success")
    bench.start(workers=3)
    bench.wait_for_start("ends though revoked")
    bench.revoke("ends though revoked")
    bench.wait_for_stops(dict.fromkeys([*RACES, "exit", "success"], 1))
    bench.stop()
    yield bench
    bench.kill()


@pytest.mark.parametrize("name", RACES)
def test_an_execution_ends_once_whoever_is_faster(raced: Bench, name: str) -> None:
    """A child that ends its job while the main process gives it up, and a limit that lands in our own code."""
    assert raced.executions(name) == [RACES[name]], raced.what_the_worker_said()


def test_a_job_that_exits_in_a_child(raced: Bench) -> None:
    """It takes its process along. Celery calls that a lost worker, and so does the main process."""
    assert raced.executions("exit") == [ran("failure worker_lost final")]


@pytest.mark.parametrize(
    ("name", "asked", "will_retry"),
    [
        ("unacknowledged", [signal.SIGTERM, signal.SIGQUIT], True),
        ("hold", [signal.SIGINT, signal.SIGINT], None),
    ],
    ids=["late", "early"],
)
def test_a_worker_that_is_asked_twice(
    name: str, asked: list[signal.Signals], will_retry: bool | None, make_bench: MakeBench
) -> None:
    """The first signal asks it to wait for its job, the second to do so no longer."""
    bench = make_bench(celery_app.Source(), "prefork")
    bench.send(name)
    bench.start()
    bench.wait_for_start(name)
    for number, said in zip(asked, ["Warm shutdown", "terminate all running tasks"], strict=True):
        bench.signal(number)
        wait_for(lambda said=said: said in bench.what_the_worker_said(), said, bench.what_the_worker_said)
    bench.wait()
    (aborted,) = (event for event in bench.events(name) if isinstance(event, Aborted))

    assert [summary(event).removesuffix(" will retry") for event in bench.events(name)] == list(SHUT_DOWN)
    assert aborted.will_retry is will_retry


def test_a_job_that_goes_from_a_child_that_is_gone_to_another(make_bench: MakeBench) -> None:
    """Two children die at almost the same time, and Celery looks at one of them before it has heard what the other took.

    It then gives that job to another child, as if nobody had begun it.
    """
    bench = make_bench(celery_app.Source(), "prefork")
    bench.send("hold a", "hold b")
    bench.start(workers=2)
    bench.wait_for_start("hold a")
    bench.wait_for_start("hold b")
    # The worker looks at the child first that was forked last.
    first, last = sorted(("hold a", "hold b"), key=bench.pid_of)
    bench.put(f"{last}.release")
    says(bench, f"[{last}] succeeded")
    (bench.folder / celery_app.TO_WAKE).write_text(str(bench.pid_of(last)))
    os.kill(bench.pid_of(last), signal.SIGSTOP)
    bench.send("random-1-death")
    says(bench, "[random-1-death] received")
    bench.send("success")  # by the time that it is received, the other was handed to the child
    says(bench, "[success] received")
    os.kill(bench.pid_of(first), signal.SIGKILL)
    bench.wait_for_stops({"random-1-death": 2, "success": 1, first: 1})
    bench.stop()

    assert bench.executions("random-1-death") == [ran("failure worker_lost will retry"), SUCCEEDED]
    assert bench.executions(first) == [ran("failure worker_lost final")]


def says(bench: Bench, words: str) -> None:
    """Wait until the worker says so."""
    wait_for(lambda: words in bench.what_the_worker_said(), words, bench.what_the_worker_said)
