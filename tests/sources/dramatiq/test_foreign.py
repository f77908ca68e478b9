"""What others put into Dramatiq's threads and messages: middleware that interrupts, and stamps that nobody of us wrote."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dramatiq
import pytest
from conftest import NewQueue
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import ActorNotFound
from dramatiq.middleware import Interrupt, Middleware, SkipMessage, TimeLimitExceeded, raise_thread_exception
from dramatiq_abort import Abortable, abort
from dramatiq_abort.backends import StubBackend
from dramatiq_app import Source
from dramatiq_bench import FAILED_AT_FIRST, TIMED_OUT, Bench, bench_of, default_middleware
from reported import recording
from scenarios import FAILED, SUCCEEDED, dropped, ran
from workers import PATIENCE

from jobreporter.events import Aborted, Failure, Started
from jobreporter.sources.dramatiq import attach

CANCELLED = ran("aborted cancelled")
CANCELLED_AT_FIRST = ran("aborted cancelled will retry")


class Cancelled(Interrupt):
    """What some other middleware raises into a thread."""


class Overdue(TimeLimitExceeded):
    """A time limit of somebody else's."""


class Erasing(Middleware):
    """Ends a context manager with the error of the job and without its traceback, as sentry-sdk's does: so that is lost."""

    def after_process_message(self, broker: Any, message: Any, *, result: Any = None, exception: Any = None) -> None:
        if exception is not None:
            exception.__traceback__ = None


@pytest.mark.parametrize("most", [0, 1])
@pytest.mark.parametrize("coroutine", [False, True])
def test_where_a_job_failed_is_known_though_others_erase_it(most: int, coroutine: bool) -> None:
    """Each attempt, of an actor that is a coroutine too."""

    def fail() -> None:
        raise LookupError("the job's own")

    async def fail_later() -> None:
        fail()

    with bench_of([Erasing(), *default_middleware()]) as bench:
        bench.actor(fail_later if coroutine else fail, actor_name="work", max_retries=most).send()
        bench.work()
        failures = bench.all(Failure)

    assert [each.error.frames[-1].function.rpartition(".")[2] for each in failures] == ["fail"] * (most + 1)


# Interrupts


def test_a_job_that_dramatiq_abort_interrupts_was_cancelled(bench: Bench) -> None:
    """Dramatiq tries it again, as it does with whatever is raised, and then it is skipped."""
    backend = StubBackend()
    abortable = Abortable(backend=backend)
    bench.broker.add_middleware(abortable)
    entered, release = threading.Event(), threading.Event()

    @bench.actor(max_retries=1)
    def work() -> None:
        entered.set()
        while not release.wait(0.01):  # somewhere in here it is interrupted
            pass

    message = work.send()
    with bench.worker():
        assert entered.wait(PATIENCE)
        abort(message.message_id, middleware=abortable)
        bench.broker.join("default", fail_fast=False, timeout=PATIENCE * 1000)

    assert bench.story == [*CANCELLED_AT_FIRST, *dropped("skipped")]


@pytest.mark.parametrize(
    ("interrupt", "options", "story"),
    [
        (Cancelled, {}, [*CANCELLED]),
        (Cancelled, {"max_retries": 1}, [*CANCELLED_AT_FIRST, *CANCELLED]),
        (Interrupt, {}, [*CANCELLED]),
        (Overdue, {}, [*TIMED_OUT]),
    ],
)
@pytest.mark.parametrize("kind", ["function", "coroutine"])
def test_an_interrupt_means_what_it_is(
    bench: Bench, kind: str, interrupt: type[Interrupt], options: dict[str, Any], story: list[str]
) -> None:
    """A time limit is a failure; anybody else's interrupt asks the job to give up, which is no error of the job's."""

    class Impatient(Middleware):
        """Interrupts whatever it is told of."""

        ident = 0

        def before_process_message(self, broker: Any, message: Any) -> None:
            Impatient.ident = threading.get_ident()

    release = threading.Event()

    def work() -> None:
        raise_thread_exception(Impatient.ident, interrupt)
        if kind == "function":
            release.wait(PATIENCE)  # where it is interrupted

    async def work_soon() -> None:
        work()
        await asyncio.sleep(PATIENCE)

    bench.broker.add_middleware(Impatient())
    bench.actor(work if kind == "function" else work_soon, actor_name="work", **options).send()
    with bench.worker():
        release.set()
        bench.broker.join("default", fail_fast=False, timeout=PATIENCE * 1000)

    assert bench.story == story


def test_an_interrupt_that_the_job_makes_an_error_of_counts_as_one_of_dramatiqs_own(bench: Bench) -> None:
    """As where a coroutine doesn't heed it in time, which Dramatiq tells of by an error from the interrupt."""

    @bench.actor
    def work(number: int) -> None:
        error = OSError("while it was being tidied up") if number == 0 else RuntimeError("too slow")
        raise error from (Cancelled() if number else None)

    work.send(0)
    bench.work()
    work.send(1)
    bench.work()

    assert bench.story == [*FAILED, *CANCELLED]


def test_what_skips_because_of_an_interrupt_has_skipped(bench: Bench) -> None:
    """The job's own word comes first."""

    @bench.actor
    def work() -> None:
        raise SkipMessage from Cancelled()

    work.send()
    bench.work()

    assert bench.story == list(ran("aborted skipped"))


# Stamps and options

BEYOND_NUMBERS = [None, "noon", "", True, float("nan"), float("inf"), -float("inf"), 10**400, [], {}]


@pytest.mark.parametrize("value", BEYOND_NUMBERS, ids=repr)
def test_a_stamp_that_somebody_else_wrote_tells_nothing(bench: Bench, value: Any) -> None:
    """Field by field: what is right beside it is taken."""

    @bench.actor
    def work() -> None: ...

    stamp = {"scheduled_at": value, "enqueued_at": value, "parent_id": 7, "delayed": value, "correlation_id": "req-1"}
    put(bench, work.message(), jobreporter=stamp)
    bench.work()
    job = bench.only(Started).job

    assert bench.story == list(SUCCEEDED)
    assert (job.scheduled_at, job.parent_id, job.correlation_id) == (None, None, "req-1")
    assert job.enqueued_at == pytest.approx(work.message().message_timestamp / 1000, abs=30)


@pytest.mark.parametrize(
    "stamp", [None, "noon", 7, [["scheduled_at", 1.0]], {"scheduled_at": {"scheduled_at": 1.0}}], ids=repr
)
def test_what_is_no_stamp_tells_nothing(bench: Bench, stamp: Any) -> None:
    """The option may be anybody's, and of any shape."""

    @bench.actor
    def work() -> None: ...

    put(bench, work.message(), jobreporter=stamp)
    bench.work()
    job = bench.only(Started).job

    assert bench.story == list(SUCCEEDED)
    assert (job.scheduled_at, job.correlation_id) == (None, job.id)


@pytest.mark.parametrize("value", [value for value in BEYOND_NUMBERS if value is not True], ids=repr)
def test_options_of_other_types_cost_their_own_field_alone(bench: Bench, value: Any) -> None:
    """A message comes from outside. What Dramatiq makes of it is Dramatiq's; the job is reported all the same."""

    @bench.actor
    def work() -> None: ...

    # What TimeLimit and AgeLimit can't compare they refuse themselves.
    bench.broker.middleware[:] = [each for each in bench.broker.middleware if "Limit" not in type(each).__name__]
    options = {"retries": value, "requeue_timestamp": value, "time_limit": value, "max_age": value}
    put(bench, work.message(), **options)
    bench.work()
    job = bench.only(Started).job

    assert bench.story == list(SUCCEEDED)
    assert (job.attempt, job.extra) == (1, {})
    assert job.enqueued_at == pytest.approx(work.message().message_timestamp / 1000, abs=30)


@pytest.mark.parametrize(("most", "maximum"), [("three", None), (-1, None), (True, None), (0, 1), (None, None)])
def test_a_maximum_that_is_no_number_is_unknown(bench: Bench, most: Any, maximum: int | None) -> None:
    """Nobody knows what comes of it."""

    @bench.actor
    def work() -> None: ...

    put(bench, work.message(), max_retries=most)
    bench.work()

    assert bench.only(Started).job.max_attempts == maximum


def put(bench: Bench, message: Message[Any], **options: Any) -> None:
    """Put a message into the queue as somebody without jobreporter does."""
    decoded = message.copy(options=options)
    bench.broker.queues["default"].put(decoded.encode())


@pytest.mark.parametrize("delay", [None, 20], ids=["at once", "delayed"])
def test_a_job_whose_actor_nobody_has_declared_here(bench: Bench, delay: int | None) -> None:
    """As where its module was not imported: Dramatiq buries the message. Which argument is secret, nobody knows."""
    bench.broker.declare_queue("default")
    message = Message("default", "shop.charge", ("canary",), {"token": "canary"}, {})
    bench.broker.enqueue(message, delay=delay)
    bench.work()
    (failure,) = bench.all(Failure)

    assert bench.story == list(FAILED[1:])
    assert failure.error.matches(ActorNotFound)
    assert (failure.job.name, failure.job.id, failure.job.queue) == ("shop.charge", message.message_id, "default")
    assert "canary" not in str(failure)
    assert (failure.job.scheduled_at is None) is (delay is None)


def test_a_job_whose_actor_is_declared_is_buried_once(bench: Bench) -> None:
    """Its failure is told where it ran, and not where it is buried."""

    @bench.actor(max_retries=0)
    def fail() -> None:
        raise RuntimeError

    fail.send()
    bench.broker.enqueue(Message("default", "shop.charge", (), {}, {}))
    bench.work()

    assert sorted(failure.job.name for failure in bench.all(Failure)) == ["fail", "shop.charge"]


@pytest.mark.parametrize("where", ["message", "actor", "middleware"])
def test_only_an_actor_and_the_middleware_may_decide_by_a_predicate(where: str) -> None:
    """Dramatiq doesn't look for it in the message."""
    middleware = default_middleware()
    if where == "middleware":
        middleware[5].retry_when = lambda retries, error: False
    with bench_of(middleware) as bench:
        predicate: dict[str, Callable[..., bool]] = {"retry_when": lambda retries, error: False}

        @bench.actor(max_retries=4, **(predicate if where == "actor" else {}))
        def fail() -> None:
            raise RuntimeError

        put(bench, fail.message(), **({"retry_when": "yes", "max_retries": 0} if where == "message" else {}))
        bench.work()

        assert bench.only(Failure).job.max_attempts == (1 if where == "message" else None)


# What a lost worker leaves behind


def test_what_a_broker_delivers_again_says_so(tmp_path: Path, new_queue: NewQueue, bench: Bench) -> None:
    """A message that wasn't acknowledged is delivered again; a broker in memory is gone with its process."""

    @bench.actor
    def work() -> None: ...

    work.send()
    bench.work()
    with recording() as (dispatcher, events):
        broker = RedisBroker(url=new_queue(Source(), tmp_path), middleware=[])
        attach(broker, dispatcher)
        dramatiq.actor(lambda: None, actor_name="work", broker=broker).send()
        worker = dramatiq.Worker(broker, worker_timeout=10, worker_threads=1)
        worker.start()
        broker.join("default", timeout=PATIENCE * 1000)
        worker.stop()
        told = [event.job.extra for event in events() if isinstance(event, Started)]
        broker.close()
        broker.client.close()

    assert told == [{"redelivered": True}]
    assert bench.only(Started).job.extra == {}


def test_a_retry_that_cannot_be_put_back_is_none(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dramatiq logs that, and acknowledges the message: the job is lost, and its failure final."""

    @bench.actor(max_retries=3)
    def work() -> None:
        monkeypatch.setattr(bench.broker, "enqueue", refuse)
        raise RuntimeError("the job's")

    work.send()
    bench.work()

    assert bench.story == list(FAILED)
    assert bench.only(Failure).error.message == "the job's"
    assert FAILED_AT_FIRST != FAILED
    assert bench.all(Aborted) == []


def refuse(*_args: object, **_kwargs: object) -> None:
    raise ConnectionError("the broker's")
