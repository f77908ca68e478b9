"""RQ as the cases need it: the jobs, how a worker is started, and how jobs are enqueued."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

from in_jobs import end_as_named, first_time, wait_for_release
from redis import Redis
from rq import Retry
from rq.command import send_stop_job_command
from workers import Bench, wait_for

from jobreporter import Abort, Execution
from jobreporter.sources.rq import Queue

# RQ's own name for the setting: the workers are started with ``-c rq_app``.
REDIS_URL = os.environ.get("QUEUE")

CLASSES = {"fork": "Worker", "simple": "SimpleWorker", "spawn": "SpawnWorker"}


class Source:
    """RQ's workers: one, or a pool of several."""

    name = "rq_app"
    broker: Literal["file", "redis"] = "redis"
    has_children = ("fork",)

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds or ("fork", "simple")

    def command(self, kind: str, *, workers: int, max_jobs: int | None) -> list[str]:
        """max_jobs: a horse runs one job anyhow."""
        rq = str(Path(sys.executable).with_name("rq"))
        what = ["worker"] if workers == 1 else ["worker-pool", f"--num-workers={workers}"]
        return [rq, *what, "-c", "rq_app", "-w", f"jobreporter.sources.rq.{CLASSES[kind]}", "bench"]

    def end(self, bench: Bench, *, abruptly: bool) -> None:
        # What RQ raises when a signal finds a worker between two jobs may be lost in what it interrupts, one time in
        # hundreds. It then waits for jobs as before.
        with Redis.from_url(bench.queue) as redis:
            settled = partial(self._is_settled, bench, redis)
            wait_for(settled, "no worker is between two jobs", bench.what_the_worker_said)
        bench.signal(signal.SIGTERM)
        if abruptly:
            wait_for(lambda: self._asked_twice(bench), "RQ heard the second signal", bench.what_the_worker_said)

    def _is_settled(self, bench: Bench, redis: Redis) -> bool:
        """Whether each worker waits for a job, or is in the middle of one."""
        waiting = sum(client["cmd"].startswith(("bl", "br")) for client in redis.client_list())
        return waiting + bench.running() >= bench.workers

    def _asked_twice(self, bench: Bench) -> bool:
        """RQ takes no second signal within a second of the first."""
        if "cold shut down" in bench.what_the_worker_said():
            return True
        bench.signal(signal.SIGTERM)
        return False


def queue() -> Queue:
    assert REDIS_URL is not None
    return Queue("bench", connection=Redis.from_url(REDIS_URL))


def succeed(customer: str, api_key: str) -> int:
    execution = Execution.current()
    assert execution is not None
    execution.tag(customer=customer)
    return 42


def fail() -> None:
    try:
        int("seven")
    except ValueError as error:
        raise RuntimeError("the count is no number") from error


def fail_at_first() -> None:
    if first_time("retried"):
        raise RuntimeError("not yet")


def fail_always() -> None:
    raise RuntimeError("never")


def ask_for_retry() -> Retry | None:
    return Retry(max=1) if first_time("retry_requested") else None


def skip() -> None:
    raise Abort("skipped")


def linger() -> None:
    time.sleep(5)


def hold(name: str) -> None:
    wait_for_release(name)


def wander(name: str) -> None:
    end_as_named(name)


def leave(code: int) -> None:
    os._exit(code)


#: What a scenario's job calls, with what, and how it is enqueued.
JOBS: dict[str, tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = {
    "success": (succeed, ("acme", "k-canary"), {}),
    "inherited": (succeed, ("acme", "k"), {}),
    "exception": (fail, (), {}),
    "retried": (fail_at_first, (), {"retry": Retry(max=2)}),
    "exhausted": (fail_always, (), {"retry": Retry(max=1)}),
    "retry_requested": (ask_for_retry, (), {}),
    "skipped": (skip, (), {"retry": Retry(max=3)}),
    "expired": (succeed, ("acme", "k"), {"ttl": 1}),
    "revoked": (succeed, ("acme", "k"), {}),
    "timeout": (linger, (), {"job_timeout": 1}),
}


def send(name: str) -> None:
    """Enqueue a job whose id is the name of the scenario."""
    if name.startswith("random-"):
        queue().enqueue(wander, name, job_id=name, retry=Retry(max=1))
        return
    function, args, options = JOBS.get(name, (hold, (name,), {}))
    job = queue().enqueue(function, *args, job_id=name, **options)
    if name == "expired":
        job.connection.pexpireat(job.key, 1)  # the second of its `ttl` is over
    elif name == "revoked":
        job.cancel()


def revoke(name: str) -> None:
    """Ask for a running job to be given up."""
    send_stop_job_command(queue().connection, name)
