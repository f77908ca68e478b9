"""How RQ's facts become a job's."""

from __future__ import annotations

import gc
import os
import re
import time
from contextlib import suppress
from functools import partial

import pytest
from rq import Repeat, Retry
from rq.exceptions import DeserializationError
from rq.group import Group
from rq_bench import Bench, Courier, Letter, Mailer, Stamp, async_job, charge, fail
from scenarios import FAILED, FAILED_AT_FIRST, SUCCEEDED

from jobreporter import Execution
from jobreporter.events import Failure, Started, Success
from jobreporter.sources.rq import Queue


def test_a_job_carries_what_rq_knows_of_it(bench: Bench) -> None:
    """Its id, RQ's own id of the execution, its function, queue and arguments, its attempt and its times."""
    before = time.time()
    enqueued = bench.queue.enqueue(charge, "acme", api_key="k", job_timeout=30, retry=Retry(max=2))
    bench.work()
    job = bench.only(Started).job

    assert job.id == enqueued.id
    assert re.fullmatch(rf"{job.id}:[0-9a-f]{{32}}", job.execution_id)
    assert job.name == f"{charge.__module__}.charge"
    assert (job.source, job.queue, job.priority) == ("rq", "desk", None)
    assert job.args == ("acme",)
    assert (job.attempt, job.max_attempts) == (1, 3)
    assert before - 1 <= job.enqueued_at <= time.time()
    assert job.scheduled_at is None
    assert job.worker is not None
    assert job.worker.endswith(f":{os.getpid()}")
    assert (job.correlation_id, job.root_id, job.parent_id) == (job.id, job.id, None)
    assert job.extra == {"worker_name": bench.worker.name, "timeout": 30, "redelivered": True}
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
        f"{charge.__module__}.charge",
        f"{Mailer.__module__}.Mailer.send",
        f"{Mailer.__module__}.Mailer.__call__",
    ]


def test_a_partial_bears_the_name_of_what_it_calls(bench: Bench) -> None:
    """Whatever that is, and its arguments have the names of those that are left."""
    for called in (partial(charge, "acme"), partial(partial(charge), "acme"), partial(Mailer().send, "a@shop.test")):
        bench.queue.enqueue(called, "canary")
    bench.queue.enqueue(partial(Mailer()), "b@shop.test")
    bench.queue.enqueue(partial(str, "text"))
    bench.work()
    jobs = [event.job for event in bench.all(Started)]

    assert "canary" not in repr(bench.events)
    assert [(job.name.rpartition(".")[2], len(job.args)) for job in jobs] == [
        *[("charge", 1), ("charge", 1), ("send", 1)],
        *[("__call__", 1), ("str", 0)],
    ]
    assert jobs[0].name == f"{charge.__module__}.charge"
    assert jobs[2].name == f"{Mailer.__module__}.Mailer.send"


def test_class_methods_bear_the_names_of_their_classes(bench: Bench) -> None:
    """Of whatever kind the class is, and also where the method is another one's that it has inherited."""
    for method in (Mailer.every, Letter.every, Courier.every, Stamp.every, Stamp.RED.lick, Mailer.Queue.every):
        bench.queue.enqueue(method, "acme", "canary")
    bench.work()

    here = Mailer.__module__
    assert [event.job.name for event in bench.all(Started)] == [
        f"{here}.Mailer.every",
        f"{here}.Letter.every",
        f"{here}.Courier.every",
        f"{here}.Stamp.every",
        f"{here}.Stamp.lick",
        f"{here}.Mailer.Queue.every",
    ]
    assert bench.story == [*SUCCEEDED] * 6
    assert "canary" not in repr(bench.events)


def test_so_do_class_methods_that_are_named_by_their_paths(bench: Bench) -> None:
    """As a program enqueues them that does not import them; also where they are tried again."""
    path = f"{Mailer.__module__}.Mailer.every"
    bench.queue.enqueue(path, "acme", "canary")
    bench.queue.enqueue(path, retry=Retry(max=1))
    bench.work()

    assert [event.job.name for event in bench.all(Started)] == [path] * 3
    assert bench.story == [*SUCCEEDED, *FAILED_AT_FIRST, *FAILED]
    assert "canary" not in repr(bench.events)


def test_what_is_given_out_again_says_so(bench: Bench) -> None:
    """RQ finds a job whose worker is gone, and tries it again as long as it has retries."""
    bench.enqueue(fail(RuntimeError()), retry=Retry(max=1))
    bench.enqueue(str)
    bench.work()
    jobs = [event.job for event in bench.all(Started)]

    assert [(job.attempt, job.max_attempts, job.extra.get("redelivered")) for job in jobs] == [
        (1, 2, True),
        (1, 1, None),
        (2, 2, None),
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
    """What the application has written there is not ours to lose, and attempts are counted without it."""
    failures = iter([RuntimeError()])
    job = bench.enqueue(lambda: [fail(error)() for error in failures], retry=Retry(max=1))
    bench.connection.hset(job.key, "meta", meta or job.serializer.dumps("no dict"))
    before = bench.connection.hget(job.key, "meta")
    bench.work()

    assert bench.story == [*FAILED_AT_FIRST, *SUCCEEDED]
    assert [event.job.attempt for event in bench.all(Started)] == [1, 2]
    # Older versions of RQ write a placeholder back by themselves.
    if meta is None or hasattr(job, "_unreadable_meta"):
        assert bench.connection.hget(job.key, "meta") == before
