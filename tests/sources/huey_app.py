"""Huey as the cases need it: the app that the workers load, how a worker is started, and how jobs are enqueued."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from huey import CancelExecution, RetryTask, SqliteHuey
from in_jobs import end_as_named, first_time, wait_for_release
from workers import Bench

from jobreporter import Abort, Execution
from jobreporter.sources.huey import attach

huey = SqliteHuey("bench", filename=os.environ.get("QUEUE", ":memory:"))
attach(huey)

#: A consumer that the application makes itself, past ``huey.create_consumer``.
BY_HAND = """
import logging, sys
from huey.consumer import Consumer
from huey_app import huey
logging.basicConfig()
quick = {"initial_delay": 0.01, "max_delay": 0.05, "health_check_interval": 0.1}
Consumer(huey, worker_type=sys.argv[1], workers=int(sys.argv[2]), **quick).run()
"""


class Source:
    """Huey's consumer, with workers that are threads, processes or gevent's greenlets."""

    name = "huey_app"
    kinds = ("thread", "process", "greenlet")
    broker: Literal["file", "redis"] = "file"
    has_children = ("process",)

    def __init__(self, *, by_hand: bool = False) -> None:
        self._by_hand = by_hand

    def command(self, kind: str, *, workers: int, max_jobs: int | None) -> list[str]:
        if self._by_hand:
            return [sys.executable, "-c", BY_HAND, kind, str(workers)]
        consumer = str(Path(sys.executable).with_name("huey_consumer"))
        quick = ["--delay=0.01", "--max-delay=0.05", "--health-check-interval=0.1"]
        recycle = [] if max_jobs is None else [f"--max-tasks={max_jobs}"]
        patch = [sys.executable, "-m", "gevent.monkey"] if kind == "greenlet" else []
        return [*patch, consumer, "huey_app.huey", f"--worker-type={kind}", f"--workers={workers}", *quick, *recycle]

    def end(self, bench: Bench, *, abruptly: bool) -> None:
        bench.signal(signal.SIGTERM if abruptly else signal.SIGINT)


@huey.task()
def succeed(customer: str, api_key: str) -> int:
    execution = Execution.current()
    assert execution is not None
    execution.tag(customer=customer)
    return 42


@huey.task()
def fail() -> None:
    try:
        int("seven")
    except ValueError as error:
        raise RuntimeError("the count is no number") from error


@huey.task(retries=2)
def fail_at_first() -> None:
    if first_time("retried"):
        raise RuntimeError("not yet")


@huey.task(retries=1)
def fail_always() -> None:
    raise RuntimeError("never")


@huey.task()
def ask_for_retry() -> None:
    if first_time("retry_requested"):
        raise RetryTask


@huey.task()
def ask_for_retry_after_error() -> None:
    if first_time("retry_for_error"):
        raise RetryTask from OSError("the line is busy")


@huey.task(retries=3)
def skip() -> None:
    raise Abort("skipped")


@huey.task()
def cancel() -> None:
    raise CancelExecution("nobody wants it")


@huey.task()
@huey.lock_task("bench")
def with_lock() -> None:
    raise AssertionError("the lock was taken")


@huey.task()
@huey.rate_limit("bench", limit=0, per=3600, retry=False)
def with_rate_limit() -> None:
    raise AssertionError("the limit was reached")


@huey.task(timeout=0.1)
def linger() -> None:
    time.sleep(0.5)


@huey.task()
def hold(name: str) -> None:
    wait_for_release(name)


@huey.task(retries=1)
def wander(name: str) -> None:
    end_as_named(name)


@huey.task()
def leave() -> None:
    sys.exit(3)


@huey.task()
def return_what_cannot_be_stored() -> Callable[[], None]:
    return lambda: None


def send(name: str) -> None:
    """Enqueue a job whose id is the name of the scenario."""
    match name:
        case "success" | "inherited":
            task = succeed.s("acme", "k-canary", id=name)
        case "exception":
            task = fail.s(id=name)
        case "retried":
            task = fail_at_first.s(id=name)
        case "exhausted":
            task = fail_always.s(id=name)
        case "retry_requested":
            task = ask_for_retry.s(id=name)
        case "retry_for_error":
            task = ask_for_retry_after_error.s(id=name)
        case "skipped":
            task = skip.s(id=name)
        case "cancelled":
            task = cancel.s(id=name)
        case "locked":
            huey.lock_task("bench").acquire()
            task = with_lock.s(id=name)
        case "rate_limited":
            task = with_rate_limit.s(id=name)
        case "expired":
            task = succeed.s("acme", "k", expires=datetime.now(UTC) - timedelta(hours=1), id=name)
        case "revoked":
            task = succeed.s("acme", "k", id=name)
            huey.revoke(task)
        case "timeout":
            task = linger.s(id=name)
        case "exit":
            task = leave.s(id=name)
        case "unstorable":
            task = return_what_cannot_be_stored.s(id=name)
        case _ if name.startswith("random-"):
            task = wander.s(name, id=name)
        case _:
            assert name.startswith("hold"), name
            task = hold.s(name, id=name)
    huey.enqueue(task)
