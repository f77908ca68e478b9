"""What is particular to RQ: how its facts become a job's, and what its workers tell on either side of their forks."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import rq
import rq_app
from conftest import MakeBench, NewQueue
from in_jobs import RECORDS
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from reported import Events, Reported, bug, recording, times_logged, use_config
from rq import Callback, Repeat, Retry
from rq.exceptions import DeserializationError, ShutDownImminentException, StopRequested
from rq.group import Group
from rq.job import Job, JobStatus
from rq.scheduler import RQScheduler
from rq.timeouts import JobTimeoutException
from rq.worker import HerokuWorker
from scenarios import CUT_OFF, FAILED, FAILED_AT_FIRST, SHUT_DOWN, SUCCEEDED, ran
from workers import CONFIG, UNUSABLE, expected, wait_for

from jobreporter import Abort, ConfigError, Dispatcher, Execution, JobReporterError, hookimpl
from jobreporter.events import Failure, Started, Success
from jobreporter.sources.rq import Queue, SimpleWorker, SpawnWorker, Worker, _aside, _losses
from jobreporter.sources.rq._aside import aside
from jobreporter.testing import read_calls

LOST = ran("failure worker_lost final")
NEVER_STARTED = ("failure worker_lost final", "stopped failure")

#: What a job does, by the number that it is enqueued with.
ACTS: dict[int, Callable[[], Any]] = {}


def act(number: int) -> Any:
    """The job of most tests. RQ imports what it runs, so it can't be a function inside a test."""
    return ACTS[number]()


def charge(customer: str, api_key: str) -> None:
    """A job with a secret among its positional arguments."""


async def async_job() -> None:
    """A coroutine finds its execution as well."""
    execution = Execution.current()
    assert execution is not None
    execution.tag(customer="acme")


class Mailer:
    """Its methods are jobs."""

    def send(self, address: str, token: str) -> None: ...

    def __call__(self, address: str) -> None: ...


def succeeded(_job: Job, _connection: object, _result: object) -> None:
    """RQ's callback after a success."""


def refuse(*_args: object, **_kwargs: object) -> None:
    raise OSError("the callback's own")


class Bench(Reported):
    """A queue in Redis, a worker of a kind that works when the test says so, and what was reported."""

    def __init__(self, connection: Redis, worker: Any, events: Events) -> None:
        super().__init__(events)
        self.connection = connection
        self.queue = Queue("desk", connection=connection)
        self.worker = worker

    def enqueue(self, function: Callable[[], Any], **options: Any) -> Job:
        number = len(ACTS)
        ACTS[number] = function
        return self.queue.enqueue(act, number, **options)

    def work(self) -> None:
        """Do what a worker does, and its scheduler, until nothing is left."""
        while True:
            self.pass_time()
            taken = Queue.dequeue_any([self.queue], None, connection=self.connection)
            if taken is None:
                return
            self.worker.execute_job(*taken)

    def pass_time(self) -> None:
        """Let everything be due that waits for its time."""
        registry = self.queue.scheduled_job_registry
        for job_id in registry.get_job_ids():
            self.connection.zadd(registry.key, {job_id: 1})
        scheduler = RQScheduler([self.queue], connection=self.connection, logging_level="WARNING")
        scheduler.acquire_locks()
        scheduler.enqueue_scheduled_jobs()
        scheduler.release_locks()
        scheduler.connection.connection_pool.disconnect()

    def look_after_the_queue(self) -> None:
        """Do what a worker does once in ten minutes, when whatever is in progress has given no sign of life."""
        registry = self.queue.started_job_registry
        for entry in self.connection.zrange(registry.key, 0, -1):
            self.connection.zadd(registry.key, {entry: 1})
        self.worker.clean_registries()


@pytest.fixture
def connection(tmp_path: Path, new_queue: NewQueue) -> Iterator[Redis]:
    with Redis.from_url(new_queue(rq_app.Source(), tmp_path)) as connection:
        yield connection


@pytest.fixture
def bench(connection: Redis) -> Iterator[Bench]:
    """Jobs run in this process."""
    with recording() as (dispatcher, events):
        yield Bench(connection, SimpleWorker(["desk"], connection=connection, dispatcher=dispatcher), events)


@pytest.fixture
def stable(connection: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Jobs run in horses, forked from this process."""
    use_config(tmp_path, monkeypatch, CONFIG)
    return Bench(connection, Worker(["desk"], connection=connection), lambda: recorded(tmp_path))


def recorded(folder: Path) -> list[Any]:
    return [call.meta for call in read_calls(folder / RECORDS) if call.meta is not None]


def fail(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


def die() -> None:
    """Let the work horse be killed, once its start was written down."""
    execution = Execution.current()
    assert execution is not None
    calls = Path(os.environ["JOBREPORTER_CONFIG"]).with_name(RECORDS)
    wait_for(lambda: execution.job.execution_id in (calls.read_text() if calls.exists() else ""), "started", str)
    os.kill(os.getpid(), signal.SIGKILL)


# The facts of a job


def test_a_job_carries_what_rq_knows_of_it(bench: Bench) -> None:
    """Its id, RQ's own id of the execution, its function, queue and arguments, its attempt and its times."""
    before = time.time()
    enqueued = bench.queue.enqueue(charge, "acme", api_key="k", job_timeout=30, retry=Retry(max=2))
    bench.work()
    job = bench.only(Started).job

    assert job.id == enqueued.id
    assert re.fullmatch(rf"{job.id}:[0-9a-f]{{32}}", job.execution_id)
    assert job.name == f"{__name__}.charge"
    assert (job.source, job.queue, job.priority) == ("rq", "desk", None)
    assert job.args == ("acme",)
    assert (job.attempt, job.max_attempts) == (1, 3)
    assert before - 1 <= job.enqueued_at <= time.time()
    assert job.scheduled_at is None
    assert job.worker is not None
    assert job.worker.endswith(f":{os.getpid()}")
    assert (job.correlation_id, job.root_id, job.parent_id) == (job.id, job.id, None)
    assert job.extra == {"worker_name": bench.worker.name, "timeout": 30}
    assert bench.only(Success).queue_wait is not None


def test_extra_says_what_a_job_depends_on_and_belongs_to(bench: Bench) -> None:
    """The jobs that it waited for, its group, and how often it will be repeated."""
    first = bench.enqueue(str)
    second = bench.queue.enqueue(charge, "acme", "k", depends_on=first, repeat=Repeat(times=1, interval=60))
    Group.create(connection=bench.connection, name="shop").enqueue_many(
        bench.queue, [Queue.prepare_data(charge, ("acme", "k"), job_id="third")]
    )
    bench.work()
    extras = {job.id: job.extra for job in (event.job for event in bench.all(Started))}

    assert extras["third"]["group"] == "shop"
    assert extras[second.id]["depends_on"] == [first.id]
    repeats = [event.job.extra.get("repeats_left") for event in bench.all(Started) if event.job.id == second.id]
    assert repeats == [1, 0]


def test_a_positional_secret_is_redacted_by_its_name(bench: Bench) -> None:
    """Of functions, of methods, and of objects that are called, which bear the names of their classes."""
    bench.queue.enqueue(charge, "acme", "canary")
    bench.queue.enqueue(Mailer().send, "a@shop.test", "canary")
    bench.queue.enqueue(Mailer(), "b@shop.test")
    bench.work()
    jobs = [event.job for event in bench.all(Started)]

    assert "canary" not in repr(bench.events)
    assert [job.args[0] for job in jobs] == ["acme", "a@shop.test", "b@shop.test"]
    assert [job.name for job in jobs] == [
        f"{__name__}.charge",
        f"{__name__}.Mailer.send",
        f"{__name__}.Mailer.__call__",
    ]


@pytest.mark.filterwarnings("ignore:unclosed")
def test_a_coroutine_finds_its_execution(bench: Bench) -> None:
    """RQ runs it in an event loop of its own, in the job's context."""
    bench.queue.enqueue(async_job)
    bench.work()
    gc.collect()  # RQ 2 leaves that loop open

    assert bench.only(Success).tags == {"customer": "acme"}
    assert Execution.current() is None


def test_a_job_whose_data_cannot_be_read_never_starts(bench: Bench) -> None:
    """RQ fails it before it runs."""
    job = bench.enqueue(str)
    bench.connection.hset(job.key, "data", b"no pickle")
    with suppress(DeserializationError):  # RQ 2 raises it as well
        bench.work()

    assert bench.story == ["failure exception final", "stopped failure"]
    assert bench.only(Failure).job.name == "(unreadable)"
    assert bench.only(Failure).error.matches("rq.exceptions.DeserializationError")


def test_a_job_whose_module_is_missing_fails(bench: Bench) -> None:
    """It is told under its name, with RQ's error."""
    bench.queue.enqueue("no_such_module.work", "acme")
    bench.work()

    assert bench.story == list(FAILED)
    assert bench.only(Failure).job.name == "no_such_module.work"
    assert bench.only(Failure).error.message == "Invalid attribute name: no_such_module.work"


@pytest.mark.parametrize("meta", [b"no pickle", None])
def test_meta_that_cannot_be_read_stays_as_it_is(bench: Bench, meta: bytes | None) -> None:
    """What the application has written there is not ours to lose; without room for the stamp attempts count anew."""
    failures = iter([RuntimeError()])
    job = bench.enqueue(lambda: [fail(error)() for error in failures], retry=Retry(max=1))
    bench.connection.hset(job.key, "meta", meta or job.serializer.dumps("no dict"))
    before = bench.connection.hget(job.key, "meta")
    bench.work()

    assert bench.story == [*FAILED_AT_FIRST, *SUCCEEDED]
    assert [event.job.attempt for event in bench.all(Started)] == [1, 1]
    # Older versions of RQ write a placeholder back by themselves.
    if meta is None or hasattr(job, "_unreadable_meta"):
        assert bench.connection.hget(job.key, "meta") == before


# Attempts


def test_attempts_count_up_to_the_maximum(bench: Bench) -> None:
    """RQ counts retries down and forgets the maximum; the delay of each, and when it is due, are told."""
    bench.enqueue(fail(RuntimeError()), retry=Retry(max=3, interval=[10, 20, 0]), meta={"own": 1})
    start = time.time()
    bench.work()
    jobs = [event.job for event in bench.all(Started)]
    failures = bench.all(Failure)

    assert [(job.attempt, job.max_attempts) for job in jobs] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [event.will_retry for event in failures] == [True, True, True, False]
    assert [event.retry_delay for event in failures] == [10, 20, 0, None]
    assert len({job.execution_id for job in jobs}) == 4
    due = [job.scheduled_at and job.scheduled_at - start for job in jobs]
    assert due == [None, pytest.approx(10, abs=5), pytest.approx(20, abs=5), None]


def test_a_retry_that_the_job_asks_for_is_an_attempt_too(bench: Bench) -> None:
    """They add up with those after errors."""
    answers = iter([Retry(max=2, interval=60), RuntimeError(), Retry(max=2), None])

    def work() -> Retry | None:
        answer = next(answers)
        if isinstance(answer, RuntimeError):
            raise answer
        return answer

    bench.enqueue(work, retry=Retry(max=1))
    bench.work()
    jobs = [event.job for event in bench.all(Started)]

    asked = ran("aborted retry_requested will retry")
    assert bench.story == [*asked, *FAILED_AT_FIRST, *asked, *SUCCEEDED]
    assert [(job.attempt, job.max_attempts) for job in jobs] == [(1, 2), (2, 3), (3, 3), (4, 4)]
    assert [job.scheduled_at is not None for job in jobs] == [False, True, False, False]


def test_a_retry_beyond_its_own_maximum_is_a_failure(bench: Bench) -> None:
    """No exception was raised, so the error is a sentence."""
    bench.enqueue(lambda: Retry(max=1))
    bench.work()

    assert bench.story == [*ran("aborted retry_requested will retry"), *FAILED]
    assert bench.only(Failure).error.message == "the job asked for another try, and Retry(max=1) allows no more"


def test_a_repeated_job_is_one_execution_each_time(bench: Bench) -> None:
    """With the time at which it was due, and the line that it belongs to."""
    bench.enqueue(str, repeat=Repeat(times=2, interval=60), meta={"jobreporter": {"correlation_id": "req-1"}})
    bench.work()
    jobs = [event.job for event in bench.all(Started)]

    assert bench.story == [*SUCCEEDED, *SUCCEEDED, *SUCCEEDED]
    assert [job.scheduled_at is not None for job in jobs] == [False, True, True]
    assert {job.correlation_id for job in jobs} == {"req-1"}


# Failures


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (JobTimeoutException("too long"), "failure timeout final"),
        (SystemExit(0), "failure exception final"),
        (SystemExit(3), "failure exception final"),
        (KeyboardInterrupt(), "failure exception final"),
        (asyncio.CancelledError(), "failure exception final"),
        (ShutDownImminentException("soon", {}), "aborted shutdown"),
    ],
    ids=repr,
)
def test_what_rq_takes_for_a_failure_is_one(bench: Bench, error: BaseException, outcome: str) -> None:
    """Whatever a job raises RQ marks as failed, an exit with status 0 too; a Heroku worker's last warning is no error."""
    job = bench.enqueue(fail(error))
    bench.work()

    assert bench.story == list(ran(outcome))
    assert job.get_status() == JobStatus.FAILED


def test_rqs_own_callbacks_are_untouched(bench: Bench) -> None:
    """They run as without us; one that raises fails a job that was successful, and RQ keeps the callback's error."""
    bench.enqueue(str, on_success=Callback(succeeded))
    bench.enqueue(str, on_success=Callback(refuse))
    bench.work()

    assert bench.story == [*SUCCEEDED, *FAILED]
    assert bench.only(Failure).error.message == "the callback's own"


def test_a_failure_that_cannot_be_saved(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """RQ gives up, with the error of its database; the job's own is the one to know, and what follows is unknown."""

    def lose_redis(*_args: object, **_kwargs: object) -> None:
        raise OSError("the database's")

    bench.enqueue(fail(RuntimeError("the job's")), retry=Retry(max=1))
    monkeypatch.setattr(rq.SimpleWorker, "handle_job_failure", lose_redis)
    with pytest.raises(OSError, match="the database's"):
        bench.work()

    assert bench.only(Failure).error.message == "the job's"
    assert bench.only(Failure).will_retry is None


def test_a_success_that_cannot_be_saved_is_a_failure(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """RQ marks the job as failed, with the error that kept it from saving."""
    monkeypatch.setattr(rq.SimpleWorker, "handle_job_success", refuse)
    bench.enqueue(str)
    bench.work()

    assert bench.story == list(FAILED)
    assert bench.only(Failure).error.message == "the callback's own"


def test_a_job_that_was_to_be_stopped_is_not_tried_again(bench: Bench) -> None:
    """A simple worker can't stop a job. If that fails afterwards, RQ leaves it at that."""

    def work() -> None:
        bench.worker._stopped_job_id = Execution.current().job.id  # type: ignore[union-attr] - it has one
        raise RuntimeError

    bench.enqueue(work, retry=Retry(max=3))
    bench.work()

    assert bench.story == list(FAILED)


# Giving up


def test_an_abort_finishes_the_job(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """As if it had returned: no error is logged, nothing is tried again, and what depends on it runs."""
    job = bench.enqueue(fail(Abort("no_stock")), retry=Retry(max=3))
    bench.enqueue(str, depends_on=job)
    with caplog.at_level(logging.ERROR):
        bench.work()

    assert bench.story == [*ran("aborted no_stock"), *SUCCEEDED]
    assert job.get_status() == JobStatus.FINISHED
    assert job.return_value() is None
    assert not caplog.records


def test_an_abort_may_ask_for_another_try(bench: Bench) -> None:
    """At the job's own interval, and however many retries it has left."""
    answers = iter([Abort("not_yet", will_retry=True), Abort("not_yet", will_retry=True)])
    bench.enqueue(lambda: [fail(answer)() for answer in answers], retry=Retry(max=1, interval=60))
    bench.work()

    assert bench.story == [*ran("aborted not_yet will retry"), *ran("aborted not_yet will retry"), *SUCCEEDED]
    assert [event.job.scheduled_at is not None for event in bench.all(Started)] == [False, True, True]


# What a job inherits


def test_a_job_that_enqueues_jobs_is_their_parent(bench: Bench) -> None:
    """In every way that a queue has; a job enqueued by them has the same root, and a retry keeps all of it."""
    failures = iter([RuntimeError()])

    def grandchild() -> None:
        for error in failures:
            raise error

    def child() -> None:
        bench.enqueue(grandchild, job_id="grandchild", retry=Retry(max=1))

    def parent() -> None:
        bench.enqueue(child, job_id="child")
        bench.queue.enqueue_in(timedelta(hours=1), charge, "acme", "k", job_id="in")
        bench.queue.enqueue_many([Queue.prepare_data(charge, ("acme", "k"), job_id="many")])
        bench.queue.enqueue_job(Job.create(charge, ("acme", "k"), connection=bench.connection, id="made"))

    bench.enqueue(parent, job_id="parent")
    bench.work()
    lines = {(job.id, job.parent_id, job.root_id, job.correlation_id) for job in (e.job for e in bench.all(Started))}

    assert lines == {
        ("parent", None, "parent", "parent"),
        *((name, "parent", "parent", "parent") for name in ("child", "in", "many", "made")),
        ("grandchild", "child", "parent", "parent"),
    }


def test_a_correlation_id_of_ones_own_is_handed_on(bench: Bench) -> None:
    """Such as that of a web request; the dict that it was passed in isn't changed."""
    meta = {"jobreporter": {"correlation_id": "req-1"}, "own": 1}
    bench.enqueue(lambda: bench.enqueue(str, job_id="child"), job_id="parent", meta=meta)
    bench.work()
    jobs = [event.job for event in bench.all(Started)]

    assert [(job.id, job.correlation_id, job.root_id) for job in jobs] == [
        ("parent", "req-1", "parent"),
        ("child", "req-1", "parent"),
    ]
    assert meta == {"jobreporter": {"correlation_id": "req-1"}, "own": 1}


def test_with_rqs_own_queue_a_job_starts_a_line_of_its_own(bench: Bench) -> None:
    """Nothing is stamped there."""
    plain = rq.Queue("desk", connection=bench.connection)
    bench.enqueue(lambda: plain.enqueue(charge, "acme", "k", job_id="child"))
    plain.enqueue_at(datetime.now(UTC), charge, "acme", "k")
    bench.work()
    jobs = [event.job for event in bench.all(Started)]

    assert [(job.parent_id, job.root_id == job.id) for job in jobs] == [(None, True)] * 3
    assert [job.scheduled_at for job in jobs] == [None] * 3


def test_a_stamp_of_other_types_tells_nothing(bench: Bench) -> None:
    """Anybody may write into a job's meta."""
    bench.enqueue(str, meta={"jobreporter": {"retries": "three", "scheduled_at": "noon", "root_id": 7}})
    bench.enqueue(str, meta={"jobreporter": "yes"})
    bench.work()

    assert [(job.attempt, job.scheduled_at, job.root_id == job.id) for job in (e.job for e in bench.all(Started))] == [
        (1, None, True),
        (1, None, True),
    ]


def test_a_scheduled_job_waited_since_it_was_due(bench: Bench) -> None:
    """``scheduled_at`` is the moment that it was enqueued for."""
    due = datetime.now(UTC) + timedelta(hours=1)
    bench.queue.enqueue_at(due, charge, "acme", "k")
    bench.work()

    assert bench.only(Started).job.scheduled_at == due.timestamp()
    assert bench.only(Success).queue_wait == 0


def test_jobs_that_are_no_pickles_are_stamped_too(bench: Bench) -> None:
    """The stamp is plain data, which any serializer takes."""
    bench.queue = Queue("desk", connection=bench.connection, serializer="rq.serializers.JSONSerializer")
    job = bench.enqueue(str, retry=Retry(max=1), meta={"jobreporter": {"correlation_id": "req-1"}})

    assert json.loads(bench.connection.hget(job.key, "meta")) == {"jobreporter": {"correlation_id": "req-1"}}


# What jobreporter must not do


def test_an_error_of_ours_is_logged_once_and_harms_no_job(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Jobs run as if nobody watched."""
    monkeypatch.setattr(Dispatcher, "resume", bug)
    jobs = [bench.enqueue(str), bench.enqueue(str), bench.enqueue(fail(OSError()))]
    bench.work()

    assert [job.get_status() for job in jobs] == [JobStatus.FINISHED, JobStatus.FINISHED, JobStatus.FAILED]
    assert bench.story == []
    assert times_logged(caplog, "could not be reported") == 2


def test_an_execution_ends_whatever_goes_wrong_at_its_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """If even its outcome can't be noted, it has stopped, for a reason that is unknown."""
    monkeypatch.setattr(Execution, "fail", bug)
    bench.enqueue(fail(RuntimeError()))
    bench.work()

    assert bench.story == list(ran("aborted unknown"))


@pytest.mark.parametrize("method", ["enter", "start"])
def test_a_time_limit_that_lands_inside_our_code_reaches_the_job(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """It is raised wherever the job is, also right after we have begun to report it."""
    inside = getattr(Execution, method)
    alarms = iter([JobTimeoutException("too long")])

    def interrupted(self: Execution) -> Any:
        inside(self)
        for alarm in alarms:
            raise alarm
        return self

    monkeypatch.setattr(Execution, method, interrupted)
    jobs = [bench.enqueue(fail(AssertionError("it ran"))), bench.enqueue(str)]
    bench.work()

    assert [event for event in bench.story if event.startswith("failure")] == ["failure timeout final"]
    assert bench.story.count("stopped failure") == 1
    assert [job.get_status() for job in jobs] == [JobStatus.FAILED, JobStatus.FINISHED]


SLOW = """
import os
from rq.timeouts import JobTimeoutException

if os.path.exists({path!r}):
    raise AssertionError("imported once more, where nothing limits that")
open({path!r}, "w").close()
raise JobTimeoutException("too long")
"""


def test_a_time_limit_that_the_import_of_the_job_exceeds(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It isn't imported again outside the limit, where it might hang for ever; arguments without names are left out."""
    (tmp_path / "slow_module.py").write_text(SLOW.format(path=str(tmp_path / "imported")))
    monkeypatch.syspath_prepend(tmp_path)
    bench.queue.enqueue("slow_module.work", "acme", customer="acme")
    bench.work()
    job = bench.only(Failure).job

    assert bench.story == ["failure timeout final", "stopped failure"]
    assert (job.name, job.args, job.kwargs) == ("slow_module.work", (), {"customer": "acme"})
    assert times_logged(caplog, "could not be reported") == 0


def test_a_lost_job_that_hung_in_its_import(stable: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its worker doesn't hang there as well: it tells what it can without."""
    monkeypatch.setattr(_losses, "IMPORTING", 1)
    (tmp_path / "hanging_module.py").write_text("import os, signal\nsignal.pause()\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(Worker, "_begin", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    stable.queue.enqueue("hanging_module.work", "acme")
    stable.work()
    job = stable.only(Failure).job

    assert (job.name, job.args) == ("hanging_module.work", ())
    assert stable.only(Failure).kind == "worker_lost"


def test_a_lost_job_whose_data_hang(stable: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """To load it may run anything, and then not even the name is known."""
    monkeypatch.setattr(_losses, "IMPORTING", 1)
    monkeypatch.setattr(Worker, "_begin", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    stable.queue.enqueue(charge, Hanging(), "k")
    stable.work()

    assert stable.only(Failure).job.name == "(unreadable)"


class Hanging:
    """What never comes out of a pickle."""

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return signal.pause, ()


def test_nothing_of_ours_is_left_on_the_job(bench: Bench) -> None:
    """What stands for the job's ``perform`` goes with the run."""
    bench.enqueue(str)
    job, queue = Queue.dequeue_any([bench.queue], None, connection=bench.connection)  # type: ignore[misc] - it's there
    bench.worker.execute_job(job, queue)

    assert bench.story == list(SUCCEEDED)
    assert "perform" not in vars(job)


def test_what_is_overridden_is_rqs_own() -> None:
    """If RQ renames a method, ours is never called; if it takes one of our names, it gets ours instead of its own."""
    overridden = {
        name
        for kind in (*Worker.__mro__, *SimpleWorker.__mro__)
        if kind.__module__.startswith("jobreporter.")
        for name in vars(kind)
        if not name.startswith("__") and callable(vars(kind)[name])
    }
    ours = {name for name in overridden if name.startswith("_")} | {"_reports", "_run", "_losses", "_mark", "_horse"}
    instance = vars(rq.Worker(["desk"], connection=Redis(), prepare_for_work=False))

    assert overridden - ours == {
        "bootstrap",
        "clean_registries",
        "fork_work_horse",
        "handle_exception",
        "handle_job_failure",
        "handle_job_retry",
        "handle_job_success",
        "handle_work_horse_killed",
        "monitor_work_horse",
        "perform_job",
        "request_force_stop",
        "teardown",
        "wait_for_horse",
    }
    assert all(callable(getattr(rq.Worker, name)) for name in overridden - ours)
    assert not [name for name in ours if hasattr(rq.Worker, name) or name in instance]
    assert {"create_job", "enqueue_job", "schedule_job"} <= set(vars(rq.Queue))
    assert "_dependency_ids" in vars(Job.create(charge, connection=Redis()))


# The work horse and its worker


def test_a_horse_delivers_everything_before_it_exits(stable: Bench) -> None:
    """Each is a process of its own, with reporters of its own; the worker's own process starts none."""
    stable.queue.enqueue(charge, "acme", "k")
    stable.enqueue(fail(RuntimeError()), retry=Retry(max=1))
    stable.work()

    assert stable.story == [*SUCCEEDED, *FAILED_AT_FIRST, *FAILED]
    workers = {event.job.worker for event in stable.events}
    assert len(workers) == 3
    assert not any(worker.endswith(f":{os.getpid()}") for worker in workers)
    assert [event.job.attempt for event in stable.all(Started)] == [1, 1, 2]


def test_what_a_killed_horse_cannot_tell_its_worker_does(stable: Bench) -> None:
    """It is the same execution, of the same process; what RQ tries again is an attempt of its own."""
    stable.enqueue(die, retry=Retry(max=1, interval=60))
    stable.work()
    first, second = stable.all(Failure)

    assert stable.story == [*ran("failure worker_lost will retry"), *LOST]
    assert first.error.message == "the work horse was killed by SIGKILL"
    assert (first.will_retry, first.retry_delay) == (True, 60)
    assert first.job == stable.all(Started)[0].job
    assert second.job == stable.all(Started)[1].job
    assert [(job.attempt, job.scheduled_at is not None) for job in (first.job, second.job)] == [(1, False), (2, True)]


@pytest.mark.parametrize(("end", "how"), [(3, "exited with code 3"), (signal.SIGRTMIN + 2, "was killed by signal 36")])
def test_how_a_horse_was_lost_is_told(stable: Bench, end: int, how: str) -> None:
    """In words, also where the signal has no name."""
    stable.enqueue(lambda: os.kill(os.getpid(), end) if end >= signal.SIGRTMIN else os._exit(end))
    stable.work()

    assert stable.only(Failure).error.message == f"the work horse {how}"
    assert stable.story[-2:] == list(NEVER_STARTED)


def test_no_thread_of_ours_lives_where_a_worker_forks(stable: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for the first horse, and not after the worker told of one that was killed."""
    threads: list[list[str]] = []
    fork = os.fork
    others = set(threading.enumerate())

    def watched() -> int:
        started = set(threading.enumerate()) - others
        threads.append([thread.name for thread in started if thread.name.startswith("jobreporter")])
        return fork()

    monkeypatch.setattr(os, "fork", watched)
    stable.enqueue(die)
    stable.enqueue(str)
    stable.work()

    assert stable.story == [*LOST, *SUCCEEDED]
    assert threads == [[]] * 3


def stop_while_it_runs(worker: Any, job: Job) -> None:
    """Let the worker hear RQ's command to stop this job once the horse is under way."""
    inside = worker.wait_for_horse

    def wait_for_horse() -> Any:
        ended = inside()
        worker._stopped_job_id = job.id  # as the thread that hears the command does, before it kills the horse
        return ended

    worker.wait_for_horse = wait_for_horse


def test_a_stopped_job_is_told_once(stable: Bench) -> None:
    """RQ's command kills the horse, and the job is never tried again."""
    job = stable.enqueue(die, retry=Retry(max=3))
    stop_while_it_runs(stable.worker, job)
    stable.work()

    assert stable.story == list(ran("aborted revoked"))
    assert stable.all(Started)[0].job == stable.events[-1].job
    assert job.get_status() == JobStatus.STOPPED


KILLER = """
[reporters.killer]
use = "{module}:killer"
"""


class Killer:
    """A reporter that has its process killed when it has seen the end of a job."""

    @hookimpl
    def handle_stopped(self) -> None:
        calls = Path(os.environ["JOBREPORTER_CONFIG"]).with_name(RECORDS)
        wait_for(lambda: b'"stopped"' in calls.read_bytes(), "the end was written down", str)
        os.kill(os.getpid(), signal.SIGKILL)


killer = Killer()


@pytest.mark.parametrize("stopping", [False, True])
@pytest.mark.parametrize(
    ("act", "options", "story"),
    [
        (lambda: None, {}, SUCCEEDED),
        (fail(RuntimeError()), {}, FAILED),
        (fail(RuntimeError()), {"retry": Retry(max=1, interval=3600)}, FAILED_AT_FIRST),
    ],
    ids=["success", "failure", "retry"],
)
def test_a_horse_that_is_killed_after_it_told_the_end(
    stable: Bench,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    act: Callable[[], None],
    options: dict[str, Any],
    story: tuple[str, ...],
    stopping: bool,
) -> None:
    """The worker has nothing to add, whatever RQ makes of it: a stop command may come too late, by a moment."""
    use_config(tmp_path, monkeypatch, CONFIG + KILLER.format(module=__name__))
    job = stable.enqueue(act, **options)
    if stopping:
        stop_while_it_runs(stable.worker, job)
    stable.worker.execute_job(*Queue.dequeue_any([stable.queue], None, connection=stable.connection))

    assert stable.story == list(story)


@pytest.mark.parametrize(
    ("act", "story"), [(lambda: None, SUCCEEDED), (fail(RuntimeError()), LOST)], ids=["success", "failure"]
)
def test_a_horse_that_is_killed_before_it_told_the_end(
    stable: Bench, act: Callable[[], None], story: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """RQ has saved it and sees nothing amiss, so the worker tells what was saved."""
    monkeypatch.setattr(Worker, "_may_end", lambda _worker, _run: die())
    stable.enqueue(act)
    stable.work()

    assert stable.story == list(story)


def test_a_job_that_was_deleted_while_it_ran(stable: Bench) -> None:
    """RQ says nothing of a killed horse then; its execution ends all the same."""

    def work() -> None:
        job.delete()
        die()

    job = stable.enqueue(work)
    stable.work()

    assert stable.story == list(LOST)


def test_a_job_beyond_the_reach_of_its_time_limit(stable: Bench) -> None:
    """RQ kills a horse that is a minute late; the limit here is over before it starts."""
    stable.worker.job_monitoring_interval = 1
    stable.enqueue(signal.pause, job_timeout=-100)
    stable.work()

    assert stable.story == list(ran("failure timeout final"))
    assert stable.only(Failure).error.message == "the work horse exceeded its time limit by a minute, and was killed"


def test_a_broken_reporter_costs_a_horse_no_time(
    stable: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried, and once more at the end, and the others are served; nobody waits for the deadline."""
    config = '[dispatcher]\nexit_timeout = 600.0\n[reporters.broken]\nuse = "{module}:broken"\n'
    use_config(tmp_path, monkeypatch, config.format(module=__name__) + CONFIG)
    stable.enqueue(str)
    start = time.monotonic()
    stable.work()

    assert stable.story == list(SUCCEEDED)
    assert time.monotonic() - start < 60


class Broken:
    """A reporter that can't start."""

    @hookimpl
    def reporter_start(self) -> None:
        raise OSError("no route")

    @hookimpl
    def handle_success(self) -> None: ...


broken = Broken()


# Jobs whose worker is gone


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


def test_a_job_that_was_shut_down_is_not_abandoned_as_well(stable: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """RQ leaves it as started, and finds that out later; it was told by then."""

    def shut_down(worker: Worker) -> Any:
        os.kill(worker.horse_pid, signal.SIGKILL)
        os.waitpid(worker.horse_pid, 0)
        raise SystemExit

    stable.enqueue(signal.pause)
    monkeypatch.setattr(rq.Worker, "wait_for_horse", shut_down)
    with pytest.raises(SystemExit):
        stable.work()
    stable.look_after_the_queue()

    assert [line for line in stable.story if line != "started"] == list(SHUT_DOWN[1:])


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


# A process aside


def test_a_signal_ends_the_waiting_and_not_the_report(tmp_path: Path) -> None:
    """A worker that is asked to end while it tells something ends; what it tells is told to its end."""
    go, done = tmp_path / "go", tmp_path / "done"

    def report() -> None:
        (tmp_path / "pid").write_text(str(os.getpid()))
        os.kill(os.getppid(), signal.SIGALRM)
        wait_for(go.exists, "it may go on", str)
        done.touch()

    def stop(*_signal: object) -> None:
        raise StopRequested

    former = signal.signal(signal.SIGALRM, stop)
    try:
        with pytest.raises(StopRequested):
            aside(report)
    finally:
        signal.signal(signal.SIGALRM, former)
    pid = int((tmp_path / "pid").read_text())
    os.kill(pid, signal.SIGTERM)
    os.kill(pid, signal.SIGINT)
    go.touch()

    assert os.waitpid(pid, 0) == (pid, 0)
    assert done.exists()


def test_a_report_that_never_ends_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as one whose reporter holds the interpreter's lock; the worker goes on."""
    monkeypatch.setattr(_aside, "PATIENCE", 0.1)
    pid = tmp_path / "pid"

    def report() -> None:
        pid.write_text(str(os.getpid()))
        while True:
            signal.pause()

    aside(report)

    if pid.exists():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid.read_text()), 0)


# Workers, from start to end


@pytest.mark.parametrize("kind", [Worker, SimpleWorker, SpawnWorker])
def test_a_worker_with_an_unusable_config_does_not_start(
    kind: Any, connection: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It isn't even registered, and takes no job."""
    use_config(tmp_path, monkeypatch, UNUSABLE)
    queue = Queue("desk", connection=connection)
    queue.enqueue(charge, "acme", "k")
    with pytest.raises(ConfigError, match=r"\[reporters\.recorder\]"):
        kind([queue], connection=connection).work(burst=True)

    assert queue.count == 1
    assert rq.Worker.all(connection) == []


class Heroku(Worker, HerokuWorker):
    """A class that RQ or a user has written, with ours before it."""


def test_another_class_of_worker_reports_with_ours_before_it(stable: Bench) -> None:
    """On either side of its forks."""
    stable.worker = Heroku(["desk"], connection=stable.connection)
    stable.enqueue(str)
    stable.enqueue(die)
    stable.work()

    assert stable.story == [*SUCCEEDED, *LOST]


def test_workers_that_spawn(make_bench: MakeBench) -> None:
    """A new Python for each job tells the same; the worker tells of those that are killed or stopped."""
    source = rq_app.Source("spawn")
    names = ["success", "timeout"]
    bench = make_bench(source, "spawn")
    bench.send(*names)
    bench.start()
    bench.wait_for_stops({name: len(expected(source, "spawn", name)) for name in names})
    bench.send("hold")
    bench.wait_for_start("hold")
    os.kill(bench.pid_of("hold"), signal.SIGKILL)
    bench.wait_for_stops({"hold": 1})
    bench.send("hold-too")
    bench.wait_for_start("hold-too")
    bench.revoke("hold-too")
    bench.wait_for_stops({"hold-too": 1})
    bench.stop()

    assert [bench.executions(name) for name in names] == [expected(source, "spawn", name) for name in names]
    assert bench.executions("hold") == [LOST]
    assert bench.executions("hold-too") == [ran("aborted revoked")]


def test_a_spawned_horse_reads_the_config_by_itself(make_bench: MakeBench) -> None:
    """One that can't be used by then is logged, and the job runs without reports."""
    bench = make_bench(rq_app.Source("spawn"), "spawn")
    bench.send("success")
    bench.start()
    bench.wait_for_stops({"success": 1})
    (bench.folder / "jobreporter.toml").write_text(UNUSABLE)
    bench.send("hold")
    wait_for(lambda: bench.has("hold.entered"), "it runs", bench.what_the_worker_said)
    bench.put("hold.release")
    bench.stop()

    assert bench.executions("hold") == []
    assert "jobs run without reports" in bench.what_the_worker_said()


# The library, and the page


def test_a_spawn_worker_needs_rq_3(connection: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before that, its horses were RQ's own workers, and told nothing."""
    monkeypatch.setattr("jobreporter.sources.rq.found", (2, 12))
    with pytest.raises(JobReporterError, match=r"SpawnWorker needs RQ 3\.0 or newer"):
        SpawnWorker(["desk"], connection=connection).work(burst=True)
