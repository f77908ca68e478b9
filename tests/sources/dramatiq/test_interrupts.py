"""Time limits and shutdowns, which Dramatiq raises into a thread from outside."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from dramatiq.middleware import (
    Middleware,
    Shutdown,
    TimeLimitExceeded,
    raise_thread_exception,
)
from dramatiq_bench import (
    TIMED_OUT,
    Bench,
    ByHand,
    execution,
)
from scenarios import SUCCEEDED, ran, summary
from workers import PATIENCE

import jobreporter
from jobreporter import Abort
from jobreporter.sources.dramatiq import Reporting


class Interrupter:
    """Does what Dramatiq does to a thread, at the nth step within jobreporter's own code: a line, a call or a return."""

    HOME = str(Path(jobreporter.__file__).parent)

    def __init__(self, error: type[BaseException], nth: int) -> None:
        self._error = error
        self._left = nth

    @property
    def landed(self) -> bool:
        return self._left <= 0

    def _step(self, frame: FrameType, _event: str, _arg: object) -> Any:
        if frame.f_code.co_filename.startswith(self.HOME):
            self._left -= 1
            if self._left == 0:
                raise_thread_exception(threading.get_ident(), self._error)
        return self._step

    @contextmanager
    def at_work(self) -> Iterator[None]:
        tracing, profiling = sys.gettrace(), sys.getprofile()
        sys.setprofile(self._step)
        sys.settrace(self._step)
        try:
            yield
        finally:
            sys.settrace(tracing)
            sys.setprofile(profiling)


@pytest.mark.parametrize(
    ("ends", "error"), [("success", TimeLimitExceeded), ("failure", TimeLimitExceeded), ("abort", Shutdown)]
)
def test_an_interrupt_that_lands_in_our_own_code(
    bench: Bench, ends: str, error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    """Wherever it lands, it goes where Dramatiq expects it, and the execution ends once, with an outcome that is true.

    Until the hooks after the job are through, Dramatiq makes a failure of it, and the thread lives. One that lands when
    the message is acknowledged goes through, as it would without us.
    """
    caplog.set_level(logging.CRITICAL)
    entered: list[str] = []

    @bench.actor
    def work() -> None:
        entered.append(execution().job.id)
        if ends == "failure":
            raise RuntimeError
        if ends == "abort":
            raise Abort("skipped")

    by_hand = ByHand(bench)
    own = {"success": "success", "failure": "failure exception final", "abort": "aborted skipped"}[ends]
    interrupted = "failure timeout final" if error is TimeLimitExceeded else "aborted shutdown"
    through: dict[str, bool] = {}
    landed = True
    while landed:
        interrupter = Interrupter(error, len(through) + 1)
        message = work.send()
        with interrupter.at_work():
            try:
                by_hand.process()
                through[message.message_id] = False
            except error:
                through[message.message_id] = True
        landed = interrupter.landed
    by_hand.shut_down()
    stories: dict[str, list[str]] = {job: [] for job in through}
    for event in bench.events:
        if event.job.id in stories:
            stories[event.job.id].append(summary(event))

    undisturbed = stories.pop(message.message_id)
    assert undisturbed == list(ran(own))
    assert len(stories) > 100
    for job, story in stories.items():
        outcome = story[-2]
        assert story[-1] == f"stopped {outcome.partition(' ')[0]}"
        assert story[:-2] in (["started"], []) if job not in entered else story[:-2] == ["started"]
        assert outcome in (own, interrupted) if through[job] else outcome == interrupted
    assert True in through.values()
    assert bench.dispatcher.stats()["recorder"].pending == 0


def test_the_thread_survives_an_interrupt_in_the_hooks_before_and_after_a_job(bench: Bench) -> None:
    """A real thread of a real worker: it is interrupted in our hooks, and takes the next message."""

    @bench.actor
    def work(_: int) -> None: ...

    def interrupt(*_args: object, **_kwargs: object) -> None:
        raise TimeLimitExceeded

    class Aim(Middleware):
        """Puts the interrupt into the next call of a hook of ours."""

        def before_process_message(self, broker: Any, message: Any) -> None: ...

    reporting = next(middleware for middleware in bench.broker.middleware if isinstance(middleware, Reporting))
    with bench.worker() as worker:
        for number, place in enumerate(("_run_of", "before_process_message", "after_process_message")):
            inside = getattr(reporting, place)

            def once(*args: Any, place: str = place, inside: Any = inside, **kwargs: Any) -> Any:
                setattr(reporting, place, inside)
                interrupt()

            setattr(reporting, place, once)
            work.send(number)
            bench.broker.join("default", fail_fast=False, timeout=PATIENCE * 1000)
        work.send(3)
        bench.broker.join("default", fail_fast=False, timeout=PATIENCE * 1000)
        assert all(thread.is_alive() for thread in worker.workers)

    stories: dict[str, list[str]] = {}
    for event in bench.events:
        stories.setdefault(event.job.id, []).append(summary(event))
    assert list(stories.values()) == [
        ["failure timeout final", "stopped failure"],
        ["failure timeout final", "stopped failure"],
        list(TIMED_OUT),
        list(SUCCEEDED),
    ]
