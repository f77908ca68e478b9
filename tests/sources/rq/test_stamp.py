"""What jobreporter keeps with a job of RQ's outlasts whatever the application does with the job."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import rq
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from rq import Callback, Repeat, Retry, get_current_job
from rq.job import Job
from rq.registry import ScheduledJobRegistry
from rq_bench import Bench, charge, fail
from scenarios import FAILED, FAILED_AT_FIRST, SUCCEEDED

from jobreporter import Execution
from jobreporter.events import Failure, Started
from jobreporter.sources.rq import Queue


def current() -> Job:
    job = get_current_job()
    assert job is not None
    return job


def replace() -> None:
    current().meta = {"progress": 1}
    current().save_meta()


def replace_unsaved() -> None:
    current().meta = {"progress": 1}


def clear() -> None:
    current().meta.clear()
    current().save_meta()


def replace_by_another_hand() -> None:
    job = Job.fetch(current().id, connection=current().connection)
    job.meta = {"progress": 1}
    job.save_meta()


def replace_by_no_dict() -> None:
    current().meta = ["no", "dict"]  # type: ignore[assignment] - nobody keeps it from that


def delete() -> None:
    current().connection.hdel(current().key, "meta")


HANDS = [replace, replace_unsaved, clear, replace_by_another_hand, replace_by_no_dict, delete]


@pytest.mark.parametrize("lay_hands_on_it", HANDS, ids=lambda hand: hand.__name__)
@pytest.mark.parametrize("kind", [Queue, rq.Queue], ids=["ours", "RQ's own queue"])
def test_a_job_may_do_with_its_meta_what_it_likes(
    bench: Bench, lay_hands_on_it: Callable[[], None], kind: type[rq.Queue]
) -> None:
    """Its attempts are counted, and the line that it belongs to is known, to its last attempt."""
    bench.queue = kind("desk", connection=bench.connection)

    def child() -> None:
        lay_hands_on_it()
        raise RuntimeError

    def parent() -> None:
        bench.enqueue(child, job_id="child", retry=Retry(max=2), meta={"jobreporter": {"correlation_id": "req-1"}})

    bench.enqueue(parent, job_id="parent")
    bench.work()
    jobs = [event.job for event in bench.all(Started) if event.job.id == "child"]
    ours = kind is Queue

    assert [(job.attempt, job.max_attempts) for job in jobs] == [(1, 3), (2, 3), (3, 3)]
    assert {job.correlation_id for job in jobs} == {"req-1"}
    assert {(job.root_id, job.parent_id) for job in jobs} == {("parent", "parent") if ours else ("child", None)}
    assert [event.will_retry for event in bench.all(Failure)] == [True, True, False]


def test_who_enqueues_a_job_may_replace_its_meta_as_well(bench: Bench) -> None:
    """Before any worker has seen it."""

    def parent() -> None:
        job = bench.enqueue(str, job_id="child", meta={"jobreporter": {"correlation_id": "req-1"}})
        job.meta = {"note": "urgent"}
        job.save_meta()

    bench.enqueue(parent, job_id="parent")
    bench.work()
    (job,) = [event.job for event in bench.all(Started) if event.job.id == "child"]

    assert (job.correlation_id, job.root_id, job.parent_id) == ("req-1", "parent", "parent")


def forget_meta(job: Job, *_: object) -> None:
    """One of RQ's callbacks."""
    job.meta = {}
    job.save_meta()


def test_a_callback_may_replace_it_too(bench: Bench) -> None:
    """RQ calls it between the job's end and its next attempt."""
    bench.enqueue(fail(RuntimeError()), retry=Retry(max=1), on_failure=Callback(forget_meta))
    bench.work()

    assert [(event.job.attempt, event.job.max_attempts) for event in bench.all(Started)] == [(1, 2), (2, 2)]


def test_what_is_found_abandoned_is_counted_all_the_same(stable: Bench) -> None:
    """The whole worker is gone, and with it all that it knew: another one reads the rest from Redis."""
    stable.queue = rq.Queue("desk", connection=stable.connection)

    def vanish() -> None:
        replace()
        os._exit(0)

    stable.enqueue(vanish, retry=Retry(max=2), meta={"jobreporter": {"correlation_id": "req-1"}})
    for _ in range(3):
        stable.work()
        stable.look_after_the_queue()
    failures = stable.all(Failure)

    assert [(event.job.attempt, event.job.max_attempts) for event in failures] == [(1, 3), (2, 3), (3, 3)]
    assert {event.job.correlation_id for event in failures} == {"req-1"}


def test_the_applications_own_meta_stays_as_it_is(bench: Bench) -> None:
    """Nothing of ours is in it, whatever becomes of the job."""
    job = bench.enqueue(fail(RuntimeError()), retry=Retry(max=1, interval=5), repeat=Repeat(times=1), meta={"own": 1})
    bare = bench.enqueue(fail(RuntimeError()), retry=Retry(max=1))
    bench.work()

    assert job.get_meta() == {"own": 1}
    assert bench.connection.hget(bare.key, "meta") is None


def test_a_job_with_the_id_of_an_earlier_one_is_a_new_job(bench: Bench) -> None:
    """RQ leaves what the earlier one had in Redis where the new one has nothing to write there."""
    bench.enqueue(fail(RuntimeError()), job_id="nightly", retry=Retry(max=3, interval=60))
    bench.work()
    bench.queue = rq.Queue("desk", connection=bench.connection)
    bench.enqueue(fail(RuntimeError()), job_id="nightly", retry=Retry(max=1))
    bench.work()

    jobs = [event.job for event in bench.all(Started)]
    assert [(job.attempt, job.max_attempts) for job in jobs[4:]] == [(1, 2), (2, 2)]
    assert [job.scheduled_at for job in jobs[4:]] == [None, None]


@pytest.mark.parametrize(
    "written",
    [
        b"no JSON",
        b"[1]",
        b"7",
        b"[" * 100_000,
        {"retries": "three", "scheduled_at": "noon", "root_id": 7},
        {"retries": True, "scheduled_at": float("nan"), "root_id": None},
        {"retries": -1, "scheduled_at": float("inf"), "root_id": []},
        {"retries": 10**400, "scheduled_at": 10**400, "root_id": {}},
    ],
    ids=lambda written: repr(written)[:40],
)
def test_a_stamp_that_somebody_else_wrote_tells_nothing(bench: Bench, written: Any) -> None:
    """Anybody may write into Redis. Each attempt is counted from what RQ itself knows."""
    job = bench.enqueue(str, retry=Retry(max=2))
    if isinstance(written, dict):
        written = json.dumps({"created_at": job.created_at.timestamp(), **written})
    bench.connection.hset(job.key, "jobreporter", written)
    bench.work()
    reported = bench.only(Started).job

    assert bench.story == list(SUCCEEDED)
    assert (reported.attempt, reported.max_attempts) == (1, 3)
    assert (reported.scheduled_at, reported.root_id) == (None, job.id)


def test_a_stamp_that_cannot_be_read_or_written_harms_no_job(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis may be gone just then; the job is counted from what is at hand."""
    bench.queue = rq.Queue("desk", connection=bench.connection)
    bench.enqueue(fail(RuntimeError()), retry=Retry(max=1), meta={"jobreporter": {"correlation_id": "req-1"}})
    for method in ("hget", "hset"):
        inside = getattr(Redis, method)

        def refuse(self: Redis, key: str, *args: Any, inside: Any = inside, **kwargs: Any) -> Any:
            if "jobreporter" in args:
                raise RedisConnectionError("gone")
            return inside(self, key, *args, **kwargs)

        monkeypatch.setattr(Redis, method, refuse)
    bench.work()

    assert bench.story == [*FAILED_AT_FIRST, *FAILED]
    assert {event.job.correlation_id for event in bench.all(Started)} == {"req-1"}


def test_enqueueing_asks_redis_for_nothing_more(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stamp is written together with the job."""
    asked: list[str] = []
    inside = Redis.execute_command

    def noted(self: Redis, *args: Any, **options: Any) -> Any:
        asked.append(str(args[0]))
        return inside(self, *args, **options)

    bench.enqueue(str)
    rq.Queue("desk", connection=bench.connection).enqueue(charge, "acme", "k")
    monkeypatch.setattr(Redis, "execute_command", noted)
    bench.enqueue(str, retry=Retry(max=1))
    ours, asked[:] = list(asked), []
    rq.Queue("desk", connection=bench.connection).enqueue(charge, "acme", "k", retry=Retry(max=1))

    assert [command for command in ours if command in ("HGET", "HSET")] == []
    assert len(ours) == len(asked)


def test_a_job_that_is_enqueued_uniquely_is_stamped_too(bench: Bench) -> None:
    """RQ has a script for that, which saves the job in one go."""
    bench.enqueue(lambda: bench.enqueue(str, job_id="child", unique=True), job_id="parent")
    bench.work()

    assert [event.job.parent_id for event in bench.all(Started)] == [None, "parent"]


# For when a job was meant


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Australia/Sydney"])
@pytest.mark.parametrize("month", [1, 7])
@pytest.mark.parametrize("aware", [True, False])
def test_a_job_is_meant_for_when_rq_has_put_it_into_its_schedule(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, zone: str, month: int, aware: bool
) -> None:
    """Versions of RQ differ in what they make of a time without a zone; what is reported is what this one did."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        moment = datetime(2031, month, 15, 12, tzinfo=timezone(timedelta(hours=-3)) if aware else None)
        job = bench.queue.enqueue_at(moment, charge, "acme", "k")
        due = bench.connection.zscore(bench.queue.scheduled_job_registry.key, job.id)
        bench.work()
    finally:
        monkeypatch.undo()
        time.tzset()

    assert bench.only(Started).job.scheduled_at == due


def test_what_rq_makes_of_a_time_without_a_zone_counts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before RQ 3 that was an hour off for half of the year, where clocks are put forward: so then is the schedule."""
    inside = ScheduledJobRegistry.schedule

    def an_hour_early(self: Any, job: Job, moment: datetime, pipeline: Any = None) -> Any:
        return inside(self, job, moment - timedelta(hours=1), pipeline=pipeline)

    monkeypatch.setattr(ScheduledJobRegistry, "schedule", an_hour_early)
    moment = datetime.now() + timedelta(hours=2)  # noqa: DTZ005 - it is what the test is about
    job = bench.queue.enqueue_at(moment, charge, "acme", "k")
    due = bench.connection.zscore(bench.queue.scheduled_job_registry.key, job.id)
    bench.work()

    assert bench.only(Started).job.scheduled_at == due == pytest.approx(time.time() + 3600, abs=30)


@pytest.mark.parametrize("kind", [Queue, rq.Queue], ids=["ours", "RQ's own queue"])
def test_a_repetition_is_meant_for_when_rq_repeats_it(bench: Bench, kind: type[rq.Queue]) -> None:
    """Versions of RQ pick from several intervals in ways of their own."""
    bench.queue = kind("desk", connection=bench.connection)
    job = bench.enqueue(str, repeat=Repeat(times=3, interval=[60, 0, 7200]))
    key = bench.queue.scheduled_job_registry.key
    due: list[float | None] = [None]
    while taken := Queue.dequeue_any([bench.queue], None, connection=bench.connection):
        bench.worker.execute_job(*taken)
        due.append(bench.connection.zscore(key, job.id))
        bench.pass_time()
    started = [event.job.scheduled_at for event in bench.all(Started)]

    assert [moment and int(moment) for moment in started] == [moment and int(moment) for moment in due[:4]]
    assert len(started) == 4


def test_what_rq_cannot_schedule_is_rqs_to_refuse(bench: Bench) -> None:
    """Its error, not one of ours."""
    with pytest.raises(AttributeError) as ours:
        bench.queue.enqueue_at("noon", charge, "acme", "k")
    with pytest.raises(AttributeError) as own:
        rq.Queue("desk", connection=bench.connection).enqueue_at("noon", charge, "acme", "k")

    assert str(ours.value) == str(own.value)


def test_the_current_execution_is_untouched_by_all_that(bench: Bench) -> None:
    """What a job enqueues descends from the job, not from what it did with its meta."""

    def parent() -> None:
        replace()
        bench.enqueue(str, job_id="child")
        assert Execution.current() is not None

    bench.enqueue(parent, job_id="parent", meta={"jobreporter": {"correlation_id": "req-1"}})
    bench.work()
    jobs = {event.job.id: event.job for event in bench.all(Started)}

    assert (jobs["child"].correlation_id, jobs["child"].parent_id) == ("req-1", "parent")
    assert datetime.now(UTC).timestamp() > (jobs["child"].enqueued_at or 0)
