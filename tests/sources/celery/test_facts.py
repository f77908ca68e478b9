"""How what Celery knows of a job becomes the job's facts."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import Task, chain, group, signals
from celery.app.task import Context
from celery.worker.request import Request
from celery.worker.strategy import proto1_to_proto2
from celery_bench import Desk, Sender, app_in_memory
from kombu import Exchange, Queue
from scenarios import SUCCEEDED

from jobreporter.events import Failure, Started, Success
from jobreporter.sources.celery import _source as source
from jobreporter.sources.celery._job import job_fields


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
    """When it was meant to run, and when it expires."""
    due, late = datetime.now(UTC) - timedelta(hours=2), datetime.now(UTC) + timedelta(hours=2)
    desk.app.conf.timezone = "Asia/Tokyo"

    @desk.task
    def remind() -> None: ...

    desk.work_on(remind, eta=due, expires=late)
    started = desk.only(Started)

    assert started.job.scheduled_at == pytest.approx(due.timestamp(), abs=1)
    assert started.job.extra["expires_at"] == pytest.approx(late.timestamp(), abs=1)
    assert desk.only(Success).queue_wait == pytest.approx(0, abs=5)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", None])
@pytest.mark.parametrize("written", [lambda moment: moment, datetime.isoformat], ids=["datetime", "text"])
def test_a_time_without_a_zone_is_the_moment_that_celery_takes_it_for(
    desk: Desk, zone: str | None, written: Callable[[datetime], Any]
) -> None:
    """That is UTC, whatever the app's zone is: the worker's own request is asked, and so is how long a retry waits."""
    desk.app.conf.timezone = zone
    now = datetime.now(UTC).replace(tzinfo=None)

    @desk.task(bind=True, max_retries=1)
    def remind(self: Task) -> None:
        raise self.retry(exc=RuntimeError("not yet"), eta=written(now + timedelta(minutes=3)))

    remind.apply_async(eta=written(now - timedelta(hours=1)), expires=written(now + timedelta(hours=1)))
    request = next(desk.requests())
    request.execute()
    job, failure = desk.only(Started).job, desk.only(Failure)
    again = next(desk.requests())

    assert job.scheduled_at == request.eta.timestamp()
    assert job.extra["expires_at"] == request.expires.timestamp()
    assert failure.retry_delay == pytest.approx(again.eta.timestamp() - failure.at, abs=5)
    assert failure.retry_delay == pytest.approx(180, abs=30)


@pytest.mark.parametrize("moment", ["no time", "", 7, ["2026"], "2026-13-01"], ids=repr)
def test_what_is_no_time_is_left_out(desk: Desk, moment: object) -> None:
    """A message comes from outside: one odd field costs that field, and nothing else of the job."""

    @desk.task
    def work() -> None: ...

    fields = job_fields(work, Context(id="1", eta=moment, expires=moment), "0")

    assert fields["scheduled_at"] is None
    assert "expires_at" not in fields["extra"]
    assert fields["id"] == "1"


def test_the_queue_is_found_by_exchange_and_routing_key(desk: Desk) -> None:
    """A message names these two, which need not be the queue's name."""
    desk.app.conf.task_queues = [Queue("letters", Exchange("post"), routing_key="mail.letter")]

    @desk.task
    def work() -> None: ...

    fields = source.job_fields(
        work, Context(id="1", delivery_info={"exchange": "post", "routing_key": "mail.letter"}), "0"
    )
    unknown = source.job_fields(work, Context(id="1", delivery_info={"exchange": "", "routing_key": "other"}), "0")

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
