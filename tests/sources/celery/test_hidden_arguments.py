"""Arguments that a program hides in Celery's own way, with ``argsrepr`` and ``kwargsrepr``, which Celery's log then shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from celery import Task, chain
from celery.worker.request import Request
from celery_bench import Desk
from scenarios import FAILED_AT_FIRST, SUCCEEDED

from jobreporter.events import Failure, Started

NUMBER = "DE-4711-0815-33"


@pytest.fixture
def charge(desk: Desk) -> Task:
    """A task with arguments whose names give nothing away; it fails at first, and its error tells one of them."""

    @desk.task(bind=True)
    def charge(self: Task, account: str, number: str = "") -> None:
        if not self.request.retries:
            raise self.retry(exc=RuntimeError(f"{number or account} was declined"), countdown=0)

    return charge


def test_without_a_word_they_are_shown(desk: Desk, charge: Task) -> None:
    """Every message has such texts; only one that a program gave counts."""
    desk.work_on(charge, "acme", NUMBER)

    assert desk.all(Started)[0].job.args == ("acme", NUMBER)
    assert "argsrepr" not in desk.all(Started)[0].job.extra
    assert NUMBER in desk.only(Failure).error.message


@pytest.mark.parametrize(
    "send",
    [
        lambda task: task.apply_async(["acme", NUMBER], argsrepr="('acme', '****')"),
        lambda task: task.s("acme", NUMBER).set(argsrepr="('acme', '****')").apply_async(),
        lambda task: chain(task.si("acme", NUMBER).set(argsrepr="('acme', '****')")).apply_async(),
        lambda task: task.app.send_task(task.name, ["acme", NUMBER], argsrepr="('acme', '****')"),
    ],
    ids=["apply_async", "signature", "chain", "by name"],
)
def test_positional_ones(desk: Desk, charge: Task, send: Callable[[Task], Any]) -> None:
    """Shown is what the program's own text shows; in place of anything else stands that it is secret, in the error too."""
    send(charge)
    desk.work()
    job = desk.all(Started)[0].job

    assert job.args == ("acme", "[redacted]")
    assert job.extra["argsrepr"] == "('acme', '****')"
    assert desk.only(Failure).error.message == "[redacted] was declined"
    assert NUMBER not in repr(desk.events)


def test_named_ones(desk: Desk, charge: Task) -> None:
    """The name of what is hidden is hidden with it."""
    shown = "{'account': 'acme', 'number': '****'}"
    charge.apply_async([], {"account": "acme", "number": NUMBER}, kwargsrepr=shown)
    desk.work()
    job = desk.all(Started)[0].job

    assert job.kwargs == {"account": "acme", "secret": "[redacted]"}
    assert job.extra["kwargsrepr"] == shown
    assert NUMBER not in repr(desk.events)


def test_a_number_is_hidden_whatever_the_text_is(desk: Desk) -> None:
    """It may stand there by chance, as a part of something else."""

    @desk.task
    def pay(account: int, pin: int) -> None: ...

    pay.apply_async([1234, 12345678], argsrepr="(1234, ***5678)")
    desk.work()

    assert desk.only(Started).job.args == ("[redacted]", "[redacted]")


def test_a_retry_hides_them_too(desk: Desk, charge: Task) -> None:
    """Celery itself forgets the text when it sends the job again. Its log has the argument then, and no report has."""
    charge.apply_async(["acme", NUMBER], argsrepr="('acme', '****')")
    desk.work()
    again = desk.all(Started)[1].job

    assert desk.story == [*FAILED_AT_FIRST, *SUCCEEDED]
    assert again.args == ("acme", "[redacted]")
    assert again.extra["argsrepr"] == "('acme', '****')"
    assert NUMBER not in repr(desk.events)


def test_they_are_hidden_by_the_stamp_alone(desk: Desk, charge: Task) -> None:
    """Not every broker keeps what else Celery writes on the message."""
    charge.apply_async(["acme", NUMBER], argsrepr="('acme', '****')")
    request: Request = next(desk.requests())
    request.request_dict["properties"] = {}
    request.execute()

    assert NUMBER not in repr(desk.events)


def test_they_are_hidden_without_a_stamp(desk: Desk, charge: Task) -> None:
    """The message may come from a program that knows nothing of jobreporter."""
    charge.apply_async(["acme", NUMBER], argsrepr="('acme', '****')")
    request: Request = next(desk.requests())
    del request.request_dict["jobreporter"]
    request.execute()

    assert NUMBER not in repr(desk.events)


def test_a_revoked_job_hides_them(desk: Desk, charge: Task) -> None:
    """As does any other event that is not the child's."""
    charge.apply_async(["acme", NUMBER], argsrepr="('acme', '****')", expires=-1)
    desk.work()

    assert desk.story == ["aborted expired", "stopped aborted"]
    assert NUMBER not in repr(desk.events)
