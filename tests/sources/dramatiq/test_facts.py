"""How Dramatiq's facts become a job's."""

from __future__ import annotations

import os
import time
from typing import Any

import dramatiq
import pytest
from dramatiq import group, pipeline
from dramatiq.middleware import (
    GroupCallbacks,
)
from dramatiq.rate_limits.backends import StubBackend as StubRates
from dramatiq_bench import (
    Bench,
    bench_of,
    default_middleware,
    execution,
)
from scenarios import FAILED, SUCCEEDED
from workers import PATIENCE

from jobreporter.events import Failure, Started, Success


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
