"""Dramatiq as the cases need it: the app that the workers load, how a worker is started, and how jobs are enqueued."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, Literal

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import (
    AgeLimit,
    Callbacks,
    CurrentMessage,
    Pipelines,
    Retries,
    ShutdownNotifications,
    TimeLimit,
)
from dramatiq.rate_limits import ConcurrentRateLimiter
from dramatiq.rate_limits.backends import StubBackend
from in_jobs import end_as_named, first_time, wait_for_release
from workers import Bench, wait_for

from jobreporter import Abort, Execution
from jobreporter.sources.dramatiq import attach


def new_broker() -> Any:
    """What Dramatiq has by default, quicker."""
    middleware = [
        AgeLimit(),
        TimeLimit(interval=50),
        ShutdownNotifications(),
        Callbacks(),
        Pipelines(),
        Retries(max_retries=0, min_backoff=1, max_backoff=2),
        CurrentMessage(),
    ]
    if url := os.environ.get("QUEUE"):
        return RedisBroker(url=url, middleware=middleware)
    return StubBroker(middleware)


broker = new_broker()
attach(broker)
dramatiq.set_broker(broker)


class Source:
    """Dramatiq's command, with one process of several threads, or several processes of one."""

    name = "dramatiq_app"
    kinds = ("threads", "processes")
    broker: Literal["file", "redis"] = "redis"
    has_children = ("threads", "processes")

    def __init__(self, *options: str) -> None:
        self._options = options

    def command(self, kind: str, *, workers: int, max_jobs: int | None) -> list[str]:
        processes, threads = (1, workers) if kind == "threads" else (workers, 1)
        # A process takes no more jobs than it runs, so that the other gets some.
        quick = ["env", "dramatiq_worker_timeout=20", f"dramatiq_queue_prefetch={threads}"]
        command = str(Path(sys.executable).with_name("dramatiq"))
        return [*quick, command, "dramatiq_app", f"--processes={processes}", f"--threads={threads}", *self._options]

    def end(self, bench: Bench, *, abruptly: bool) -> None:
        bench.signal(signal.SIGTERM)
        if abruptly:
            said = bench.what_the_worker_said
            wait_for(lambda: "Stopping worker process" in said(), "the first signal has arrived", said)
            bench.signal(signal.SIGTERM)


@dramatiq.actor
def succeed(customer: str, api_key: str) -> None:
    execution = Execution.current()
    assert execution is not None
    execution.tag(customer=customer)


@dramatiq.actor
def fail() -> None:
    try:
        int("seven")
    except ValueError as error:
        raise RuntimeError("the count is no number") from error


@dramatiq.actor(max_retries=2)
def fail_at_first() -> None:
    if first_time("retried"):
        raise RuntimeError("not yet")


@dramatiq.actor(max_retries=1)
def fail_always() -> None:
    raise RuntimeError("never")


@dramatiq.actor(max_retries=1)
def ask_for_retry() -> None:
    if first_time("retry_requested"):
        raise dramatiq.Retry(delay=1)


@dramatiq.actor(max_retries=1)
def ask_for_retry_after_error() -> None:
    if first_time("retry_for_error"):
        raise dramatiq.Retry(delay=1) from OSError("the line is busy")


@dramatiq.actor(max_retries=3)
def skip() -> None:
    raise Abort("skipped")


@dramatiq.actor
def reject() -> None:
    message: Any = CurrentMessage.get_current_message()
    message.fail()


@dramatiq.actor
def with_rate_limit() -> None:
    limiter = ConcurrentRateLimiter(StubBackend(), "bench")
    with limiter.acquire(), limiter.acquire():
        raise AssertionError("the limit was reached")


@dramatiq.actor(time_limit=100)
def linger() -> None:
    for _ in range(1000):
        time.sleep(0.01)


@dramatiq.actor
def hold(name: str) -> None:
    wait_for_release(name)


@dramatiq.actor(notify_shutdown=True)
def hold_until_shutdown(name: str) -> None:
    wait_for_release(name)


@dramatiq.actor(max_retries=1)
def wander(name: str) -> None:
    end_as_named(name)


def send(name: str) -> None:
    """Enqueue a job whose id is the name of the scenario."""
    changes: dict[str, Any] = {"message_id": name}
    message: dramatiq.Message[Any]
    match name:
        case "success" | "inherited":
            message = succeed.message("acme", "k-canary")
        case "exception":
            message = fail.message()
        case "retried":
            message = fail_at_first.message()
        case "exhausted":
            message = fail_always.message()
        case "retry_requested":
            message = ask_for_retry.message()
        case "retry_for_error":
            message = ask_for_retry_after_error.message()
        case "skipped":
            message = skip.message()
        case "rejected":
            message = reject.message()
        case "rate_limited":
            message = with_rate_limit.message()
        case "expired":
            message = succeed.message_with_options(args=("acme", "k"), max_age=1000)
            changes["message_timestamp"] = message.message_timestamp - 2000
        case "timeout":
            message = linger.message()
        case "hold-until-shutdown":
            message = hold_until_shutdown.message(name)
        case _ if name.startswith("random-"):
            message = wander.message(name)
        case _:
            assert name.startswith("hold"), name
            message = hold.message(name)
    broker.enqueue(message.copy(**changes))
