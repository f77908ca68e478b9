"""What Dramatiq takes for a failure."""

from __future__ import annotations

import sys
import threading
from typing import Any

import dramatiq
from dramatiq.middleware import (
    Middleware,
    TimeLimitExceeded,
    raise_thread_exception,
)
from dramatiq_bench import (
    FAILED_AT_FIRST,
    TIMED_OUT,
    Bench,
    execution,
)
from scenarios import FAILED, SUCCEEDED, ran
from workers import PATIENCE, wait_for

from jobreporter.events import Failure, Success


def test_a_failure_carries_its_cause_and_its_stack(bench: Bench) -> None:
    """The error as the job raised it, from Dramatiq's call down to the line."""

    @bench.actor
    def fail() -> None:
        try:
            int("seven")
        except ValueError as error:
            raise RuntimeError("no number") from error

    fail.send()
    bench.work()
    error = bench.only(Failure).error

    assert (error.type, error.message) == ("builtins.RuntimeError", "no number")
    assert error.cause.type == "builtins.ValueError"
    assert error.frames[0].function.endswith("process_message")
    assert error.frames[-1].function.endswith("fail")


def test_an_expected_error_is_a_failure_without_retries(either: Bench) -> None:
    """``throws`` says which errors Dramatiq gives up on."""

    @either.actor(max_retries=3, throws=KeyError)
    def fail() -> None:
        raise KeyError

    fail.send()
    either.work()

    assert either.story == list(FAILED)


def test_asking_for_too_many_retries_is_a_failure(either: Bench) -> None:
    """Dramatiq's `Retry` uses up retries; the last ends like any error, or with the error that it was raised from."""

    @either.actor(max_retries=1)
    def ask() -> None:
        raise dramatiq.Retry(delay=1)

    @either.actor
    def ask_for_error() -> None:
        raise dramatiq.Retry from OSError("busy")

    ask.send()
    either.work()
    ask_for_error.send()
    either.work()

    assert either.story == [*ran("aborted retry_requested will retry"), *FAILED, *FAILED]
    assert either.only(Failure, "ask").error.type == "dramatiq.errors.Retry"
    assert either.only(Failure, "ask_for_error").error.type == "builtins.OSError"


def test_a_retry_says_after_how_long(bench: Bench) -> None:
    """The delay that the job asked for."""
    delays = iter([20])

    @bench.actor(max_retries=1)
    def ask() -> None:
        for delay in delays:
            raise dramatiq.Retry(delay=delay) from OSError("busy")

    ask.send()
    bench.work()

    assert bench.only(Failure).retry_delay == 0.02


def test_a_time_limit_that_a_coroutine_does_not_heed_is_a_timeout(bench: Bench) -> None:
    """Dramatiq waits for a second, and raises an error of its own, from the limit's."""
    entered, release = threading.Event(), threading.Event()

    @bench.actor
    async def linger() -> None:
        entered.set()
        release.wait(PATIENCE)

    linger.send()
    with bench.worker() as worker:
        assert entered.wait(PATIENCE)
        ident = worker.workers[0].ident
        wait_for(lambda: sys._current_frames()[ident].f_code.co_name == "wait", "it waits for the coroutine")
        raise_thread_exception(ident, TimeLimitExceeded)
        bench.broker.join("default", fail_fast=False, timeout=PATIENCE * 1000)
        release.set()

    assert bench.story == list(TIMED_OUT)
    assert "waiting for coroutine" in bench.only(Failure).error.message


def test_a_time_limit_that_the_job_heeds_is_none(bench: Bench) -> None:
    """A job may catch it, and end as it likes."""

    @bench.actor
    def tidy() -> None:
        try:
            raise_thread_exception(threading.get_ident(), TimeLimitExceeded)
        except TimeLimitExceeded:
            execution().tag(tidy="yes")

    tidy.send()
    bench.work()

    assert bench.story == list(SUCCEEDED)
    assert bench.only(Success).tags == {"tidy": "yes"}


def test_a_job_that_exits_has_failed(bench: Bench) -> None:
    """Dramatiq takes an exit for an error like any other, and its thread goes on."""

    @bench.actor(max_retries=1)
    def leave() -> None:
        sys.exit(0)

    leave.send()
    bench.work()

    assert bench.story == [*FAILED_AT_FIRST, *FAILED]


def test_an_error_of_other_middleware_is_a_failure_without_a_start(bench: Bench) -> None:
    """The attempt failed before the actor was called; Dramatiq tries it again."""

    class Broken(Middleware):
        answers = iter([dramatiq.middleware.MiddlewareError("not now")])

        def before_process_message(self, broker: Any, message: Any) -> None:
            for answer in self.answers:
                raise answer

    @bench.actor(max_retries=1)
    def work() -> None: ...

    bench.broker.add_middleware(Broken())
    work.send()
    bench.work()

    assert bench.story == ["failure exception will retry", "stopped failure", *SUCCEEDED]
    assert bench.only(Failure).duration is None
