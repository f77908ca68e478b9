"""What is particular to Dramatiq: how its facts become a job's, and the ways in which it ends an execution."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import PriorityQueue
from types import FrameType
from typing import Any

import dramatiq
import dramatiq_app
import pytest
from conftest import MakeBench
from dramatiq import MessageProxy, Worker, group, pipeline
from dramatiq.brokers.stub import StubBroker
from dramatiq.errors import RateLimitExceeded
from dramatiq.middleware import (
    AgeLimit,
    AsyncIO,
    Callbacks,
    GroupCallbacks,
    Middleware,
    Pipelines,
    Retries,
    Shutdown,
    ShutdownNotifications,
    SkipMessage,
    TimeLimit,
    TimeLimitExceeded,
    raise_thread_exception,
)
from dramatiq.rate_limits.backends import StubBackend as StubRates
from dramatiq.results import Results
from dramatiq.results.backends import StubBackend as StubResults
from dramatiq.worker import _ConsumerThread, _WorkerThread
from in_jobs import RECORDS
from reported import Events, Reported, bug, recording, times_logged, use_config
from scenarios import FAILED, SHUT_DOWN, SUCCEEDED, dropped, ran, summary
from workers import CONFIG, PATIENCE, UNUSABLE, wait_for

import jobreporter
from jobreporter import Abort, ConfigError, Dispatcher, Execution, JobReporterError
from jobreporter.events import Aborted, Failure, Started, Success
from jobreporter.sources.dramatiq import Reporting, attach
from jobreporter.testing import read_calls

FAILED_AT_FIRST = ran("failure exception will retry")
TIMED_OUT = ran("failure timeout final")


class Bench(Reported):
    """A broker in memory, a worker of it that runs while the test says so, and what was reported."""

    def __init__(self, broker: Any, dispatcher: Dispatcher, events: Events) -> None:
        super().__init__(events)
        self.broker = broker
        self.dispatcher = dispatcher

    def actor(self, function: Callable[..., Any] | None = None, **options: Any) -> Any:
        options.setdefault("min_backoff", 1)
        return (
            dramatiq.actor(function, broker=self.broker, **options) if function else lambda f: self.actor(f, **options)
        )

    @contextmanager
    def worker(self, threads: int = 1) -> Iterator[Worker]:
        worker = Worker(self.broker, worker_timeout=10, worker_threads=threads)
        worker.start()
        try:
            yield worker
        finally:
            worker.stop()

    def work(self) -> None:
        """Do what is there to do, and what comes of it."""
        with self.worker() as worker:
            for queue in list(worker.consumers):
                if queue in self.broker.get_declared_queues() - self.broker.get_declared_delay_queues():
                    self.broker.join(queue, fail_fast=False, timeout=PATIENCE * 1000)
            worker.join()


def default_middleware() -> list[Any]:
    return [
        AgeLimit(),
        TimeLimit(),
        ShutdownNotifications(),
        Callbacks(),
        Pipelines(),
        Retries(max_retries=0),
        AsyncIO(),
    ]


@contextmanager
def bench_of(middleware: list[Any], switch_on: Callable[[Any, Dispatcher], None] = attach) -> Iterator[Bench]:
    with recording() as (dispatcher, events):
        broker = StubBroker(middleware)
        switch_on(broker, dispatcher)
        yield Bench(broker, dispatcher, events)


def add_reporting(broker: Any, dispatcher: Dispatcher) -> None:
    broker.add_middleware(Reporting(dispatcher))


def attach_by_config(broker: Any, _dispatcher: Dispatcher) -> None:
    attach(broker)


@pytest.fixture
def bench() -> Iterator[Bench]:
    with bench_of(default_middleware()) as bench:
        yield bench


@pytest.fixture(params=[attach, add_reporting])
def either(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Switched on in either way: ahead of all other middleware, or behind it."""
    with bench_of(default_middleware(), request.param) as bench:
        yield bench


def execution() -> Execution:
    current = Execution.current()
    assert current is not None
    return current


# The facts of a job


def test_a_job_carries_what_dramatiq_knows_of_it(bench: Bench) -> None:
    """Its id, its actor's name, its queue, its arguments by their names, its attempt and its priority."""

    @bench.actor(max_retries=2, priority=7, queue_name="mail", actor_name="send_mail", time_limit=5000, max_age=60_000)
    def send(address: str, subject: str) -> None: ...

    before = time.time()
    message = send.send("a@example.org", subject="hello")
    bench.work()
    job = bench.only(Started).job

    assert job.id == message.message_id
    assert job.execution_id.startswith(f"{job.id}:1:")
    assert (job.name, job.source, job.queue, job.priority) == ("send_mail", "dramatiq", "mail", 7)
    assert (job.args, job.kwargs) == (("a@example.org",), {"subject": "hello"})
    assert (job.attempt, job.max_attempts) == (1, 3)
    assert before <= job.enqueued_at <= time.time()
    assert job.scheduled_at is None
    assert (job.correlation_id, job.root_id, job.parent_id) == (job.id, job.id, None)
    assert job.extra == {"time_limit": 5, "max_age": 60}
    assert job.worker.endswith(f":{os.getpid()}")


def test_positional_secrets_are_redacted_by_their_names(bench: Bench) -> None:
    """The names are found for functions, coroutines and methods of class-based actors alike."""

    @bench.actor
    def charge(customer: str, api_key: str) -> None: ...

    @bench.actor
    async def charge_soon(customer: str, api_key: str) -> None: ...

    class Charge(dramatiq.GenericActor):
        class Meta:
            broker = bench.broker

        def perform(self, customer: str, api_key: str) -> None: ...

    for actor in (charge, charge_soon, Charge):
        actor.send("acme", "canary")
    bench.work()

    assert "canary" not in repr(bench.events)
    assert [event.job.args[0] for event in bench.all(Success)] == ["acme"] * 3


def test_a_delayed_job_knows_when_it_was_enqueued_and_when_it_is_due(bench: Bench) -> None:
    """Dramatiq enqueues it a second time when it is due, and forgets ``eta``. Its delayed copy is no execution."""

    @bench.actor
    def remind() -> None: ...

    message = remind.send_with_options(delay=30)
    due = message.options["eta"] / 1000
    bench.work()
    job = bench.only(Started).job

    assert bench.story == list(SUCCEEDED)
    assert job.scheduled_at == due
    assert job.enqueued_at == pytest.approx(due - 0.03, abs=0.005)
    assert bench.only(Success).queue_wait < PATIENCE


def test_a_retry_keeps_its_lineage_and_tells_when_it_was_tried_again(either: Bench) -> None:
    """A new time of enqueueing, the time that it was due, and the delay in the failure before it."""

    @either.actor(max_retries=1)
    def fail_once() -> None:
        if execution().job.attempt == 1:
            raise RuntimeError

    @either.actor
    def request() -> None:
        fail_once.send()

    request.send()
    either.work()
    first, second = (event.job for event in either.all(Started, "fail_once"))
    failure = either.only(Failure)

    assert (first.attempt, second.attempt) == (1, 2)
    assert first.root_id is not None
    assert (first.correlation_id, first.root_id, first.parent_id) == (
        second.correlation_id,
        second.root_id,
        second.parent_id,
    )
    assert second.enqueued_at > first.enqueued_at
    assert second.scheduled_at == pytest.approx(second.enqueued_at + failure.retry_delay, abs=0.01)
    assert first.execution_id != second.execution_id


def test_messages_that_bear_no_stamp_tell_what_dramatiq_keeps(bench: Bench) -> None:
    """A producer without jobreporter: when the message was made, or tried again, and nothing of its descent."""

    @bench.actor(max_retries=1)
    def fail() -> None:
        raise RuntimeError

    made = fail.message()
    tried = fail.message_with_options(retries=1, requeue_timestamp=1_000_000, jobreporter="somebody else's")
    for message in (made, tried):
        bench.broker.queues["default"].put(message.encode())
    bench.work()
    jobs = {(event.job.id, event.job.attempt): event.job for event in bench.all(Started)}

    assert jobs.keys() == {(made.message_id, 1), (made.message_id, 2), (tried.message_id, 2)}
    assert jobs[made.message_id, 1].enqueued_at == made.message_timestamp / 1000
    assert jobs[tried.message_id, 2].enqueued_at == 1000
    for job in jobs.values():
        assert (job.correlation_id, job.root_id, job.parent_id) == (job.id, job.id, None)


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({}, 1),
        ({"max_retries": 4}, 5),
        ({"max_retries": None}, None),
        ({"max_retries": 4, "retry_when": lambda retries, error: False}, None),
    ],
)
def test_how_many_attempts_there_will_be(bench: Bench, options: dict[str, Any], most: int | None) -> None:
    """What the actor says, or Dramatiq's default; nobody knows where a predicate decides."""

    @bench.actor(**options)
    def work() -> None: ...

    work.send()
    bench.work()

    assert bench.only(Started).job.max_attempts == most


def test_a_single_job_may_have_retries_of_its_own(bench: Bench) -> None:
    """What is sent along with it counts before what its actor says."""

    @bench.actor(max_retries=9)
    def work() -> None: ...

    work.send_with_options(max_retries=1)
    bench.work()

    assert bench.only(Started).job.max_attempts == 2


def test_without_retries_nothing_is_tried_again() -> None:
    """Without its middleware Dramatiq acknowledges what has failed: a failure all the same, for good."""
    with bench_of([]) as bench:

        @dramatiq.actor(broker=bench.broker)
        def fail() -> None:
            raise RuntimeError

        fail.send()
        bench.work()

        assert bench.story == list(FAILED)
        assert bench.only(Started).job.max_attempts == 1
        assert bench.broker.dead_letters == []


# Lineage


def test_a_job_that_enqueues_a_job_is_its_parent(bench: Bench) -> None:
    """The line goes on through coroutines, pipelines and callbacks, and a word of the first sender's stays with it."""

    @bench.actor
    def last(message: object, result: object) -> None: ...

    @bench.actor(on_success="last")
    def second(_: object) -> None: ...

    @bench.actor
    def first() -> int:
        return 42

    @bench.actor
    async def request() -> None:
        pipeline([first.message(), second.message()], broker=bench.broker).run()

    sent = request.send_with_options(jobreporter={"correlation_id": "request-7"})
    bench.work()
    jobs = {event.job.name: event.job for event in bench.all(Started)}

    assert {job.correlation_id for job in jobs.values()} == {"request-7"}
    assert {job.root_id for job in jobs.values()} == {sent.message_id}
    assert jobs["request"].parent_id is None
    assert jobs["first"].parent_id == jobs["request"].id
    assert jobs["second"].parent_id == jobs["first"].id
    assert jobs["last"].parent_id == jobs["second"].id
    assert jobs["second"].enqueued_at > jobs["first"].enqueued_at


def test_groups_and_their_callbacks_work() -> None:
    """The callback comes once all of the group have, and descends from the last."""
    with bench_of([*default_middleware(), GroupCallbacks(StubRates())]) as bench:

        @bench.actor
        def part() -> None: ...

        @bench.actor
        def whole() -> None: ...

        parts = group([part.message(), part.message()], broker=bench.broker)
        parts.add_completion_callback(whole.message())
        parts.run()
        bench.work()

        assert bench.story == [*SUCCEEDED] * 3
        assert bench.only(Started, "whole").job.parent_id is not None


# Failures


def test_a_failure_carries_its_cause_and_its_stack(bench: Bench) -> None:
    """The error as the job raised it, from Dramatiq's call down to the line."""

    @bench.actor
    def fail() -> None:
        try:
            int("seven")
        except ValueError as error:
            raise RuntimeError("no number") from error

    fail.send()
    bench.work()
    error = bench.only(Failure).error

    assert (error.type, error.message) == ("builtins.RuntimeError", "no number")
    assert error.cause.type == "builtins.ValueError"
    assert error.frames[0].function.endswith("process_message")
    assert error.frames[-1].function.endswith("fail")


def test_an_expected_error_is_a_failure_without_retries(either: Bench) -> None:
    """``throws`` says which errors Dramatiq gives up on."""

    @either.actor(max_retries=3, throws=KeyError)
    def fail() -> None:
        raise KeyError

    fail.send()
    either.work()

    assert either.story == list(FAILED)


def test_asking_for_too_many_retries_is_a_failure(either: Bench) -> None:
    """Dramatiq's `Retry` uses up retries; the last ends like any error, or with the error that it was raised from."""

    @either.actor(max_retries=1)
    def ask() -> None:
        raise dramatiq.Retry(delay=1)

    @either.actor
    def ask_for_error() -> None:
        raise dramatiq.Retry from OSError("busy")

    ask.send()
    either.work()
    ask_for_error.send()
    either.work()

    assert either.story == [*ran("aborted retry_requested will retry"), *FAILED, *FAILED]
    assert either.only(Failure, "ask").error.type == "dramatiq.errors.Retry"
    assert either.only(Failure, "ask_for_error").error.type == "builtins.OSError"


def test_a_retry_says_after_how_long(bench: Bench) -> None:
    """The delay that the job asked for."""
    delays = iter([20])

    @bench.actor(max_retries=1)
    def ask() -> None:
        for delay in delays:
            raise dramatiq.Retry(delay=delay) from OSError("busy")

    ask.send()
    bench.work()

    assert bench.only(Failure).retry_delay == 0.02


def test_a_time_limit_that_a_coroutine_does_not_heed_is_a_timeout(bench: Bench) -> None:
    """Dramatiq waits for a second, and raises an error of its own, from the limit's."""
    entered, release = threading.Event(), threading.Event()

    @bench.actor
    async def linger() -> None:
        entered.set()
        release.wait(PATIENCE)

    linger.send()
    with bench.worker() as worker:
        assert entered.wait(PATIENCE)
        ident = worker.workers[0].ident
        wait_for(lambda: sys._current_frames()[ident].f_code.co_name == "wait", "it waits for the coroutine")
        raise_thread_exception(ident, TimeLimitExceeded)
        bench.broker.join("default", fail_fast=False, timeout=PATIENCE * 1000)
        release.set()

    assert bench.story == list(TIMED_OUT)
    assert "waiting for coroutine" in bench.only(Failure).error.message


def test_a_time_limit_that_the_job_heeds_is_none(bench: Bench) -> None:
    """A job may catch it, and end as it likes."""

    @bench.actor
    def tidy() -> None:
        try:
            raise_thread_exception(threading.get_ident(), TimeLimitExceeded)
        except TimeLimitExceeded:
            execution().tag(tidy="yes")

    tidy.send()
    bench.work()

    assert bench.story == list(SUCCEEDED)
    assert bench.only(Success).tags == {"tidy": "yes"}


def test_a_job_that_exits_has_failed(bench: Bench) -> None:
    """Dramatiq takes an exit for an error like any other, and its thread goes on."""

    @bench.actor(max_retries=1)
    def leave() -> None:
        sys.exit(0)

    leave.send()
    bench.work()

    assert bench.story == [*FAILED_AT_FIRST, *FAILED]


def test_an_error_of_other_middleware_is_a_failure_without_a_start(bench: Bench) -> None:
    """The attempt failed before the actor was called; Dramatiq tries it again."""

    class Broken(Middleware):
        answers = iter([dramatiq.middleware.MiddlewareError("not now")])

        def before_process_message(self, broker: Any, message: Any) -> None:
            for answer in self.answers:
                raise answer

    @bench.actor(max_retries=1)
    def work() -> None: ...

    bench.broker.add_middleware(Broken())
    work.send()
    bench.work()

    assert bench.story == ["failure exception will retry", "stopped failure", *SUCCEEDED]
    assert bench.only(Failure).duration is None


# Giving up


@pytest.mark.parametrize("kind", ["function", "coroutine"])
def test_an_abort_is_dramatiqs_skipping(bench: Bench, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """No error is logged, nothing is tried again, nothing lands among the dead letters, and no callback laments."""

    @bench.actor
    def lament(message: object, error: object) -> None: ...

    def skip() -> None:
        raise Abort("no_stock")

    async def skip_soon() -> None:
        skip()

    bench.actor(skip if kind == "function" else skip_soon, max_retries=3, on_failure="lament", actor_name="skip").send()
    bench.work()

    assert bench.story == list(ran("aborted no_stock"))
    assert bench.only(Aborted).will_retry is False
    assert bench.broker.dead_letters == []
    assert max(record.levelno for record in caplog.records) == logging.WARNING


def test_an_abort_may_ask_for_another_try(either: Bench) -> None:
    """As long as there are retries left, it gets one."""

    @either.actor(max_retries=1)
    def skip() -> None:
        raise Abort("not_yet", will_retry=True)

    skip.send()
    either.work()

    assert either.story == [*ran("aborted not_yet will retry"), *ran("aborted not_yet")]


def test_skipping_is_an_abort_with_or_without_a_start(either: Bench) -> None:
    """Middleware may skip a message before the actor is called, and so may the actor, under way."""

    class Picky(Middleware):
        def before_process_message(self, broker: Any, message: Any) -> None:
            if message.args:
                message.fail()
                raise SkipMessage

    either.broker.add_middleware(Picky())

    @either.actor
    def work(*_: int) -> None:
        raise SkipMessage

    work.send(1)
    either.work()
    work.send()
    either.work()

    assert either.story == [*dropped("skipped"), *ran("aborted skipped")]


def test_what_is_too_old_has_expired(either: Bench) -> None:
    """Only the place where it was skipped tells it from what other middleware skips."""

    @either.actor(max_age=1000)
    def work() -> None: ...

    message = work.message()
    either.broker.enqueue(message.copy(message_timestamp=message.message_timestamp - 2000))
    either.work()

    assert either.story == list(dropped("expired"))
    assert either.only(Aborted).duration is None


def test_a_message_that_middleware_rejects_never_starts(bench: Bench) -> None:
    """Marked as failed without an error, it goes to the dead letters, and the actor isn't called."""

    class Strict(Middleware):
        def before_process_message(self, broker: Any, message: Any) -> None:
            message.fail()

    @bench.actor
    def work() -> None: ...

    bench.broker.add_middleware(Strict())
    work.send()
    bench.work()

    assert bench.story == list(dropped("rejected"))


def test_a_rate_limit_may_be_tried_again(bench: Bench) -> None:
    """Beyond its rate limit a job is given up, and it is known whether for good."""

    @bench.actor(max_retries=1)
    def work() -> None:
        raise RateLimitExceeded("too much")

    work.send()
    bench.work()

    assert bench.story == [*ran("aborted rate_limited will retry"), *ran("aborted rate_limited")]


def test_results_and_pipelines_after_an_abort() -> None:
    """The result of a job that gave up is ``None``, and its pipeline goes no further."""
    results = StubResults()
    with bench_of([*default_middleware(), Results(backend=results)]) as bench:

        @bench.actor(store_results=True)
        def skip() -> int:
            raise Abort("skipped")

        @bench.actor(store_results=True)
        def count(number: int) -> int:
            return number + 1

        skipped = pipeline([skip.message(), count.message()], broker=bench.broker).run().messages[0]
        counted = pipeline([count.message(1), count.message()], broker=bench.broker).run()
        bench.work()

        assert skipped.get_result(backend=results) is None
        assert counted.messages[-1].get_result(backend=results) == 3
        assert bench.story.count("aborted skipped") == 1
        assert bench.story.count("success") == 2


# Executions inside executions


@pytest.mark.parametrize("kind", ["function", "coroutine"])
def test_the_current_execution_is_the_jobs(bench: Bench, kind: str) -> None:
    """Code of the job finds its execution, on the loop of async actors too, and nothing is left behind."""
    left: list[Execution | None] = []

    class Look(Middleware):
        def after_ack(self, broker: Any, message: Any) -> None:
            left.append(Execution.current())

    def work() -> None:
        execution().tag(customer="acme")

    async def work_soon() -> None:
        work()

    bench.broker.add_middleware(Look())
    bench.actor(work if kind == "function" else work_soon).send()
    bench.work()

    assert bench.only(Success).tags == {"customer": "acme"}
    assert left == [None]


def test_an_actor_called_as_a_function_is_no_execution(bench: Bench) -> None:
    """Another or the same one runs within the job that calls it, and what it raises is an ordinary exception."""

    @bench.actor
    def inner() -> None:
        raise Abort("skipped")

    @bench.actor
    def outer(depth: int = 0) -> None:
        with pytest.raises(Abort):
            inner()
        if depth == 0:
            outer(1)

    outer.send()
    bench.work()
    outer(1)

    assert bench.story == list(SUCCEEDED)


def test_attempts_that_overlap_in_one_process(bench: Bench) -> None:
    """One message is delivered twice, to two threads: two executions, each with its own end and its own tags."""
    both = threading.Barrier(2, timeout=PATIENCE)

    @bench.actor
    def hold() -> None:
        execution().tag(thread=threading.get_ident())
        both.wait()

    message = hold.message()
    for _ in range(2):
        bench.broker.enqueue(message)
    with bench.worker(threads=2):
        bench.broker.join("default", timeout=PATIENCE * 1000)
    successes = bench.all(Success)

    assert len({event.job.execution_id for event in successes}) == 2
    assert len({event.tags["thread"] for event in successes}) == 2
    assert {event.job.id for event in successes} == {message.message_id}
    assert len(bench.events) == 6


# Time limits and shutdowns, which Dramatiq raises into the thread from outside


class ByHand:
    """A thread of a worker's, without the thread: the test's own does what that would do with one message."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        options = {"broker": bench.broker, "work_queue": PriorityQueue(), "worker_timeout": 10}
        self._consumer = _ConsumerThread(queue_name="default", prefetch=1, **options)
        self._consumer.consumer = bench.broker.consume("default", prefetch=10_000)
        self._thread = _WorkerThread(consumers={"default": self._consumer}, **options)

    def process(self) -> None:
        # The broker in memory keeps errors for its `join`; others don't.
        message = MessageProxy(next(self._consumer.consumer)._message)
        self._thread.work_queue.put(message)
        self._thread.work_queue.get()
        self._thread.process_message(message)

    def shut_down(self) -> None:
        self._bench.broker.emit_after("worker_shutdown", None)


class Interrupter:
    """Does what Dramatiq does to a thread, at the nth step within jobreporter's own code: a line, a call or a return."""

    HOME = str(Path(jobreporter.__file__).parent)

    def __init__(self, error: type[BaseException], nth: int) -> None:
        self._error = error
        self._left = nth

    @property
    def landed(self) -> bool:
        return self._left <= 0

    def _step(self, frame: FrameType, _event: str, _arg: object) -> Any:
        if frame.f_code.co_filename.startswith(self.HOME):
            self._left -= 1
            if self._left == 0:
                raise_thread_exception(threading.get_ident(), self._error)
        return self._step

    @contextmanager
    def at_work(self) -> Iterator[None]:
        tracing, profiling = sys.gettrace(), sys.getprofile()
        sys.setprofile(self._step)
        sys.settrace(self._step)
        try:
            yield
        finally:
            sys.settrace(tracing)
            sys.setprofile(profiling)


@pytest.mark.parametrize(
    ("ends", "error"), [("success", TimeLimitExceeded), ("failure", TimeLimitExceeded), ("abort", Shutdown)]
)
def test_an_interrupt_that_lands_in_our_own_code(
    bench: Bench, ends: str, error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    """Wherever it lands, it goes where Dramatiq expects it, and the execution ends once, with an outcome that is true.

    Until the hooks after the job are through, Dramatiq makes a failure of it, and the thread lives. One that lands when
    the message is acknowledged goes through, as it would without us.
    """
    caplog.set_level(logging.CRITICAL)
    entered: list[str] = []

    @bench.actor
    def work() -> None:
        entered.append(execution().job.id)
        if ends == "failure":
            raise RuntimeError
        if ends == "abort":
            raise Abort("skipped")

    by_hand = ByHand(bench)
    own = {"success": "success", "failure": "failure exception final", "abort": "aborted skipped"}[ends]
    interrupted = "failure timeout final" if error is TimeLimitExceeded else "aborted shutdown"
    through: dict[str, bool] = {}
    landed = True
    while landed:
        interrupter = Interrupter(error, len(through) + 1)
        message = work.send()
        with interrupter.at_work():
            try:
                by_hand.process()
                through[message.message_id] = False
            except error:
                through[message.message_id] = True
        landed = interrupter.landed
    by_hand.shut_down()
    stories: dict[str, list[str]] = {job: [] for job in through}
    for event in bench.events:
        if event.job.id in stories:
            stories[event.job.id].append(summary(event))

    undisturbed = stories.pop(message.message_id)
    assert undisturbed == list(ran(own))
    assert len(stories) > 100
    for job, story in stories.items():
        outcome = story[-2]
        assert story[-1] == f"stopped {outcome.partition(' ')[0]}"
        assert story[:-2] in (["started"], []) if job not in entered else story[:-2] == ["started"]
        assert outcome in (own, interrupted) if through[job] else outcome == interrupted
    assert True in through.values()
    assert bench.dispatcher.stats()["recorder"].pending == 0


def test_the_thread_survives_an_interrupt_in_the_hooks_before_and_after_a_job(bench: Bench) -> None:
    """A real thread of a real worker: it is interrupted in our hooks, and takes the next message."""

    @bench.actor
    def work(_: int) -> None: ...

    def interrupt(*_args: object, **_kwargs: object) -> None:
        raise TimeLimitExceeded

    class Aim(Middleware):
        """Puts the interrupt into the next call of a hook of ours."""

        def before_process_message(self, broker: Any, message: Any) -> None: ...

    reporting = next(middleware for middleware in bench.broker.middleware if isinstance(middleware, Reporting))
    with bench.worker() as worker:
        for number, place in enumerate(("_run_of", "before_process_message", "after_process_message")):
            inside = getattr(reporting, place)

            def once(*args: Any, place: str = place, inside: Any = inside, **kwargs: Any) -> Any:
                setattr(reporting, place, inside)
                interrupt()

            setattr(reporting, place, once)
            work.send(number)
            bench.broker.join("default", fail_fast=False, timeout=PATIENCE * 1000)
        work.send(3)
        bench.broker.join("default", fail_fast=False, timeout=PATIENCE * 1000)
        assert all(thread.is_alive() for thread in worker.workers)

    stories: dict[str, list[str]] = {}
    for event in bench.events:
        stories.setdefault(event.job.id, []).append(summary(event))
    assert list(stories.values()) == [
        ["failure timeout final", "stopped failure"],
        ["failure timeout final", "stopped failure"],
        list(TIMED_OUT),
        list(SUCCEEDED),
    ]


# What jobreporter must not do


def test_an_error_of_ours_is_logged_once_and_harms_no_job(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Jobs run as if nobody watched, and one that gives up is still not tried again."""
    ran_jobs: list[int] = []

    @bench.actor(max_retries=3)
    def work(number: int) -> None:
        ran_jobs.append(number)
        raise Abort("skipped")

    monkeypatch.setattr(bench.dispatcher, "resume", bug)
    for number in range(3):
        work.send(number)
    bench.work()

    assert sorted(ran_jobs) == [0, 1, 2]
    assert bench.broker.dead_letters == []
    assert [record for record in caplog.records if record.levelno > logging.ERROR] == []


def test_what_a_failed_job_had_is_free_when_it_is_acknowledged(bench: Bench) -> None:
    """Dramatiq takes care that no cycle keeps the error's frames until the garbage is collected, and so does this."""
    held: list[weakref.ref[Any]] = []

    @bench.actor(max_retries=1)
    def ask() -> None:
        big = type("Big", (), {})()
        held.append(weakref.ref(big))
        raise dramatiq.Retry

    by_hand = ByHand(bench)
    ask.send()
    gc.disable()
    try:
        by_hand.process()
        assert [ref() for ref in held] == [None]
    finally:
        gc.enable()


def test_an_execution_ends_whatever_goes_wrong_at_its_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """If even its outcome can't be noted, it has stopped, for a reason that is unknown."""

    @bench.actor
    def fail() -> None:
        raise RuntimeError

    monkeypatch.setattr(Execution, "fail", bug)
    fail.send()
    bench.work()

    assert bench.story == list(ran("aborted unknown"))


def test_jobs_run_where_nothing_can_be_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Driven by hand there is no worker's start to refuse: a config that can't be used is logged, once."""
    use_config(tmp_path, monkeypatch, UNUSABLE)
    ran_jobs: list[int] = []
    with bench_of(default_middleware(), attach_by_config) as bench:

        @bench.actor(max_retries=3)
        def work(number: int) -> None:
            ran_jobs.append(number)
            raise Abort("skipped")

        by_hand = ByHand(bench)
        for number in range(3):
            work.send(number)
            by_hand.process()
        by_hand.shut_down()

    assert ran_jobs == [0, 1, 2]
    assert bench.broker.dead_letters == []
    assert times_logged(caplog, "[reporters.recorder]") == 1


def test_a_worker_of_the_programs_own_raises_the_config_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any of its threads is there; once the config is right, a worker starts."""
    use_config(tmp_path, monkeypatch, UNUSABLE)
    broker = StubBroker(default_middleware())
    attach(broker)
    worker = Worker(broker)

    with pytest.raises(ConfigError, match=r"\[reporters.recorder\]"):
        worker.start()
    assert (worker.workers, worker.consumers) == ([], {})

    use_config(tmp_path, monkeypatch, "[reporters.log]\n")
    worker.start()
    worker.stop()


def test_each_worker_of_a_process_has_reporters_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one worker reported is delivered when it has stopped; the next starts afresh."""
    use_config(tmp_path, monkeypatch, CONFIG)
    with bench_of(default_middleware(), attach_by_config) as bench:

        @bench.actor
        def work() -> None: ...

        for number in (1, 2):
            work.send()
            bench.work()
            hooks = [call.hook for call in read_calls(tmp_path / RECORDS)]
            assert hooks.count("handle_stopped") == hooks.count("reporter_stop") == number
            assert hooks[-1] == "reporter_stop"


def test_a_job_that_goes_on_after_its_workers_end_is_told_once(bench: Bench) -> None:
    """Past the timeout a thread goes on, if the process does. What it comes to in the end changes nothing."""
    entered, release = threading.Event(), threading.Event()

    @bench.actor
    def hold() -> None:
        entered.set()
        release.wait(PATIENCE)

    worker = Worker(bench.broker, worker_timeout=10, worker_threads=1)
    worker.start()
    hold.send()
    assert entered.wait(PATIENCE)
    worker.stop(timeout=20)
    release.set()
    for thread in worker.workers:
        thread.join(PATIENCE)

    assert bench.story == list(SHUT_DOWN)


def test_attaching_twice_is_refused(bench: Bench) -> None:
    """Every event would come twice, so the sentence says so."""
    with pytest.raises(JobReporterError, match=r"attach\(\) was called twice for .*StubBroker"):
        attach(bench.broker)


def add_as_dramatiq_1(broker: Any, dispatcher: Dispatcher) -> None:
    """It tells a new middleware the names of the actors that are there, not the actors."""
    reporting = Reporting(dispatcher)
    broker.middleware.insert(0, reporting)
    for name in broker.get_declared_actors():
        reporting.after_declare_actor(broker, name)


@pytest.mark.parametrize("switch_on", [attach, add_as_dramatiq_1])
def test_actors_from_before_are_reported_too(switch_on: Callable[[Any, Dispatcher], None]) -> None:
    """It doesn't matter whether the actors or the middleware come first."""
    broker = StubBroker(default_middleware())

    @dramatiq.actor(broker=broker)
    def work() -> None: ...

    with recording() as (dispatcher, events):
        switch_on(broker, dispatcher)
        work.send()
        bench = Bench(broker, dispatcher, events)
        bench.work()

        assert isinstance(broker.middleware[0], Reporting)
        assert bench.story == list(SUCCEEDED)


#: The text of a package that is the one installed, but for its version.


# Real workers, beyond what all sources have in common


def test_a_config_that_cannot_be_used_ends_the_whole(make_bench: MakeBench) -> None:
    """One process that refuses to start takes Dramatiq down: no restarts, a failing exit status, no traceback."""
    bench = make_bench(dramatiq_app.Source(), "processes", config=UNUSABLE)
    bench.send("hold")
    bench.start(workers=2)

    assert bench.wait() == 1
    assert "key 'use': expected text" in bench.what_the_worker_said()
    assert "Traceback" not in bench.what_the_worker_said()
    assert not bench.has("hold.entered")


def test_jobs_that_outlast_the_shutdown(make_bench: MakeBench) -> None:
    """Asked to, a job is interrupted; past the timeout Dramatiq leaves a job without a word. Both are aborted."""
    bench = make_bench(dramatiq_app.Source("--worker-shutdown-timeout=300"), "threads")
    bench.send("success", "hold", "hold-until-shutdown")
    bench.start(workers=2)
    bench.wait_for_start("hold")
    bench.wait_for_start("hold-until-shutdown")
    bench.signal(signal.SIGTERM)

    assert bench.wait() == 0
    assert bench.executions("hold") == [SHUT_DOWN]
    assert bench.executions("hold-until-shutdown") == [SHUT_DOWN]
    assert bench.calls()[-1].hook == "reporter_stop"


def test_processes_that_are_spawned(make_bench: MakeBench) -> None:
    """They inherit nothing, and end in the same ways."""
    bench = make_bench(dramatiq_app.Source("--use-spawn"), "threads")
    bench.send("success", "hold")
    bench.start()
    bench.wait_for_start("hold")
    bench.end(abruptly=True)
    bench.wait()

    assert bench.executions("success") == [SUCCEEDED]
    assert bench.executions("hold") == [SHUT_DOWN]
    assert bench.calls()[-1].hook == "reporter_stop"
