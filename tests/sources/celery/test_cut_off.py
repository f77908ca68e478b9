"""A time limit that comes while a job is sent again, or beside that: whether another attempt follows, as far as it can be known."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from celery import Task
from celery.exceptions import Reject, Retry, SoftTimeLimitExceeded
from celery_bench import Desk
from kombu import Producer

from jobreporter.events import Aborted, Failure, Started

#: What is done instead of sending a message: it gets what would send it.
Meanwhile = Callable[[Callable[[], Any]], Any]


class BusyError(Exception):
    """Not yet."""


@pytest.fixture
def sending(monkeypatch: pytest.MonkeyPatch) -> Callable[[Meanwhile], None]:
    """Has something else done in place of the next message that is sent by a job."""
    inside = Producer.publish

    def arrange(meanwhile: Meanwhile) -> None:
        left = iter([meanwhile])

        def publish(self: Producer, *args: Any, **kwargs: Any) -> Any:
            for each in left:
                return each(lambda: inside(self, *args, **kwargs))
            return inside(self, *args, **kwargs)

        monkeypatch.setattr(Producer, "publish", publish)

    return arrange


def cut_off(limit: Callable[[], None], *, has_come: bool) -> Meanwhile:
    """The limit comes; has_come: once the broker has the message."""

    def meanwhile(send: Callable[[], Any]) -> None:
        if has_come:
            send()
        limit()

    return meanwhile


def refuse(_send: object) -> None:
    raise ConnectionError("the broker is gone")


def fail(_task: Task) -> None:
    raise BusyError


def ask(task: Task) -> None:
    task.retry(countdown=0)


def ask_for_an_error(task: Task) -> None:
    task.retry(exc=BusyError(), countdown=0)


def ask_and_fail_otherwise(task: Task) -> None:
    try:
        task.retry(countdown=0)
    except Reject:
        raise BusyError from None


def send_itself(task: Task) -> None:
    task.apply_async(task_id=task.request.id, retries=1)


@pytest.mark.parametrize("has_come", [False, True])
@pytest.mark.parametrize("end", [fail, ask, ask_for_an_error, ask_and_fail_otherwise, send_itself])
def test_whether_a_message_was_sent_that_was_cut_off_is_unknown(
    desk: Desk,
    limit: Callable[[], None],
    sending: Callable[[Meanwhile], None],
    end: Callable[[Task], None],
    has_come: bool,
) -> None:
    """Whatever the job fails with then: the broker may have it or not, and here it is the test alone that knows."""

    @desk.task(bind=True, max_retries=1, autoretry_for=(BusyError,) if end is fail else (), retry_backoff=False)
    def work(self: Task) -> None:
        if not self.request.retries:
            end(self)

    work.apply_async()
    sending(cut_off(limit, has_come=has_come))
    desk.work()

    assert desk.only(Failure).will_retry is None
    assert [event.job.attempt for event in desk.all(Started)] == ([1, 2] if has_come else [1])


def test_a_limit_before_a_message_that_the_broker_refuses(desk: Desk, sending: Callable[[Meanwhile], None]) -> None:
    """The job is overdue, and is to be tried again for that: but Celery says that nothing was sent."""

    @desk.task(bind=True, autoretry_for=(SoftTimeLimitExceeded,), max_retries=1)
    def work(self: Task) -> None:
        raise SoftTimeLimitExceeded

    work.apply_async(retry=False)
    sending(refuse)
    desk.work()
    failure = desk.only(Failure)

    assert (failure.kind, failure.will_retry) == ("timeout", False)


def test_a_limit_after_a_message_that_the_broker_refused(
    desk: Desk, limit: Callable[[], None], sending: Callable[[Meanwhile], None]
) -> None:
    """The job knows that it was not sent, and goes on until its time is up."""

    @desk.task(bind=True, max_retries=1)
    def work(self: Task) -> None:
        with suppress(Reject):
            self.retry()
        limit()

    work.apply_async()
    sending(refuse)
    desk.work()
    failure = desk.only(Failure)

    assert (failure.kind, failure.will_retry) == ("timeout", False)


def test_a_limit_after_a_message_that_was_sent(desk: Desk, limit: Callable[[], None]) -> None:
    """Then another attempt follows, however this one ends."""

    @desk.task(bind=True, max_retries=1)
    def work(self: Task) -> None:
        if not self.request.retries:
            with suppress(Retry):
                self.retry(countdown=0)
            limit()

    desk.work_on(work)
    failure = desk.only(Failure)

    assert (failure.kind, failure.will_retry) == ("timeout", True)


@pytest.mark.parametrize("has_come", [False, True])
@pytest.mark.parametrize("how", ["child", "replacement"])
def test_a_message_for_another_job_that_was_cut_off(
    desk: Desk, limit: Callable[[], None], sending: Callable[[Meanwhile], None], how: str, has_come: bool
) -> None:
    """Be it a job that this one enqueues, or one that takes its place and has its id: this one is not tried again."""

    @desk.task
    def other() -> None: ...

    @desk.task(bind=True)
    def work(self: Task) -> Any:
        return other.delay() if how == "child" else self.replace(other.si())

    work.apply_async()
    sending(cut_off(limit, has_come=has_come))
    desk.work()
    failure = desk.only(Failure)

    assert (failure.kind, failure.will_retry) == ("timeout", False)


def test_giving_up_after_a_message_that_was_cut_off(
    desk: Desk, limit: Callable[[], None], sending: Callable[[Meanwhile], None]
) -> None:
    """It is as unknown where the job gives up for that."""

    @desk.task(bind=True, max_retries=1)
    def work(self: Task) -> None:
        try:
            self.retry()
        except Reject:
            raise Reject("enough", requeue=False)  # noqa: B904 - as jobs do

    work.apply_async()
    sending(cut_off(limit, has_come=False))
    desk.work()

    assert (desk.only(Aborted).reason, desk.only(Aborted).will_retry) == ("rejected", None)
