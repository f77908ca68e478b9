"""Time limits, and exits, that land in jobreporter's own code."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import pytest
from celery import signals
from celery.exceptions import SoftTimeLimitExceeded
from celery_bench import Desk
from scenarios import SUCCEEDED, ran

from jobreporter import Execution
from jobreporter.events import Failure
from jobreporter.sourcekit import LazyDispatcher
from jobreporter.sources.celery import _source as source
from jobreporter.sources.celery._pool import Pool
from jobreporter.sources.celery._run import Run
from jobreporter.sources.celery._soft_limit import raise_into


def first_call(interrupt: Callable[[], None], function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, interrupted at its first call."""
    interruptions = iter([interrupt])

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        for each in interruptions:
            each()
        return function(*args, **kwargs)

    return interrupted


def be_busy() -> None:
    """For as long as the limit may take to come back."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        pass


@pytest.mark.parametrize("where", ["job_fields", "delivery_of"])
def test_a_limit_that_lands_in_the_start_reaches_the_job(
    desk: Desk, limit: Callable[[], None], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Celery swallows what a receiver of its signals raises; so it comes once more, when the receiver is done."""

    @desk.task
    def work() -> None:
        be_busy()

    monkeypatch.setattr(source, where, first_call(limit, getattr(source, where)))
    desk.work_on(work)

    assert desk.story == list(ran("failure timeout final"))
    assert desk.only(Failure).error.matches(SoftTimeLimitExceeded)


@pytest.mark.parametrize("step", ["enter", "start"])
def test_a_limit_within_the_start_starts_nothing_twice(
    desk: Desk, limit: Callable[[], None], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Wherever it lands, the execution has at most one start, and all of its end."""

    @desk.task
    def work() -> None:
        be_busy()

    inside = getattr(Execution, step)
    interrupt = iter([limit])

    def interrupted(execution: Execution) -> Any:
        result = inside(execution)
        for each in interrupt:
            each()
        return result

    monkeypatch.setattr(Execution, step, interrupted)
    desk.work_on(work)

    assert desk.story == list(ran("failure timeout final"))


def test_a_limit_that_lands_in_the_sending_of_a_message_reaches_the_job(
    desk: Desk, limit: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job may catch it, as it may any time limit of its own; the message has its stamp."""
    caught: list[BaseException] = []

    @desk.task
    def child() -> None: ...

    @desk.task
    def work() -> None:
        try:
            child.delay()
            be_busy()
        except SoftTimeLimitExceeded as error:
            caught.append(error)

    work.delay()
    monkeypatch.setattr(source, "stamp", first_call(limit, source.stamp))
    desk.work()

    assert len(caught) == 1
    assert desk.story[:3] == list(SUCCEEDED)


def test_a_limit_that_lands_in_the_end_comes_too_late(
    desk: Desk, limit: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job has returned: it has succeeded, and what comes next in this process is left alone."""

    @desk.task
    def work() -> None: ...

    monkeypatch.setattr(Run, "settle", first_call(limit, Run.settle))
    desk.work_on(work)

    assert desk.story == list(SUCCEEDED)
    assert "jobreporter-soft-limit" not in {thread.name for thread in threading.enumerate()}


def test_a_limit_is_not_raised_into_another_job(desk: Desk, limit: Callable[[], None]) -> None:
    """If the job has ended before the limit could come back, it doesn't."""
    with desk.dispatcher.begin("over") as execution:
        context = copy_context()

    raise_into(context, execution, threading.get_ident())


def test_an_exit_that_lands_in_the_end_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that is told to end just then has ended its execution, and ends."""

    @desk.task
    def work() -> None: ...

    def leave() -> None:
        raise SystemExit(15)

    monkeypatch.setattr(Run, "settle", first_call(leave, Run.settle))
    with pytest.raises(SystemExit):
        desk.work_on(work)

    assert desk.story == list(SUCCEEDED)


def test_an_execution_that_celery_has_cut_off_ends_with_the_next(
    desk: Desk, limit: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit that lands in Celery's own signals keeps the end of the job from us. A child runs one job at a time."""

    @desk.task
    def work() -> None: ...

    monkeypatch.setattr(desk.app.jobreporter._workers, "in_child", True)
    monkeypatch.setattr(desk.app.jobreporter._workers, "pool", Pool(LazyDispatcher(desk.dispatcher)))
    receivers = signals.task_postrun._live_receivers
    monkeypatch.setattr(signals.task_postrun, "_live_receivers", first_call(limit, receivers))
    with pytest.warns(RuntimeWarning, match="Exception raised outside body"):
        desk.work_on(work)
    desk.work_on(work)

    assert desk.story == [*ran("aborted unknown"), *SUCCEEDED]
