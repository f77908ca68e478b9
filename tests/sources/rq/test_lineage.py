"""What a job of RQ's inherits from the job that enqueued it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import rq
from rq import Retry
from rq.job import Job
from rq_bench import (
    Bench,
    charge,
)

from jobreporter.events import Started, Success
from jobreporter.sources.rq import Queue


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
