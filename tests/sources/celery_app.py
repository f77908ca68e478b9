"""Celery as the cases need it: the app that the workers load, how a worker is started, and how jobs are enqueued."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import billiard.util
from celery import Celery, Task
from celery.exceptions import Ignore, Reject
from celery.signals import before_task_publish, task_failure, task_postrun, task_revoked, worker_init, worker_ready
from in_jobs import RECORDS, end_as_named, first_time, wait_for_release
from workers import Bench

from jobreporter import Abort, Execution
from jobreporter.sources.celery import _source as source
from jobreporter.sources.celery import attach
from jobreporter.testing import read_calls

#: A file that names a child which is stopped. Another one's death wakes it, and it is to end itself.
TO_WAKE = "to_wake"

app = Celery("bench", broker=os.environ.get("QUEUE", "memory://"))
app.conf.worker_prefetch_multiplier = 1
app.conf.broker_transport_options = {"polling_interval": 0.1}  # what a worker that ends waits for
attach(app)


class Source:
    """Celery's worker, with each kind of pool."""

    name = "celery_app"
    kinds = ("prefork", "threads", "solo", "gevent", "eventlet")
    broker: Literal["file", "redis"] = "redis"
    has_children = ("prefork",)

    def command(self, kind: str, *, workers: int, max_jobs: int | None) -> list[str]:
        celery = str(Path(sys.executable).with_name("celery"))
        quick = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=INFO"]
        recycle = [] if max_jobs is None else [f"--max-tasks-per-child={max_jobs}"]
        return [celery, "-A", self.name, "worker", f"--pool={kind}", f"--concurrency={workers}", *quick, *recycle]

    def end(self, bench: Bench, *, abruptly: bool) -> None:
        bench.signal(signal.SIGQUIT if abruptly else signal.SIGTERM)


@worker_init.connect
def remember_what_was_revoked(**_: object) -> None:
    """As a worker does that has a state file: one that starts hears of nothing that was revoked before."""
    from celery.worker import state

    state.revoked.add("revoked")


@app.task
def succeed(customer: str, api_key: str) -> int:
    execution = Execution.current()
    assert execution is not None
    execution.tag(customer=customer)
    return 42


@app.task
def fail() -> None:
    try:
        int("seven")
    except ValueError as error:
        raise RuntimeError("the count is no number") from error


@app.task(autoretry_for=(RuntimeError,), max_retries=2, retry_kwargs={"countdown": 0})
def fail_at_first() -> None:
    if first_time("retried"):
        raise RuntimeError("not yet")


@app.task(autoretry_for=(RuntimeError,), max_retries=1, retry_kwargs={"countdown": 0})
def fail_always() -> None:
    raise RuntimeError("never")


@app.task(bind=True)
def ask_for_retry(self: Task) -> None:
    if first_time("retry_requested"):
        raise self.retry(countdown=0)


@app.task(bind=True)
def ask_for_retry_after_error(self: Task) -> None:
    if first_time("retry_for_error"):
        raise self.retry(exc=OSError("the line is busy"), countdown=0)


@app.task(autoretry_for=(Exception,), max_retries=3)
def skip() -> None:
    raise Abort("skipped")


@app.task
def ignore() -> None:
    raise Ignore


@app.task(acks_late=True)
def reject(*, requeue: bool) -> None:
    if not requeue or first_time("requeued"):
        raise Reject("not here", requeue=requeue)


@app.task(bind=True)
def replace(self: Task) -> Any:
    return self.replace(succeed.s("acme", "k"))


@app.task(soft_time_limit=0.1)
def linger_softly() -> None:
    time.sleep(0.5)


@app.task(time_limit=0.1)
def linger() -> None:
    time.sleep(0.5)


@app.task
def hold(name: str) -> None:
    wait_for_release(name)


@app.task(acks_late=True)
def hold_unacknowledged(name: str) -> None:
    wait_for_release(name)


@app.task
def leave() -> None:
    sys.exit(3)


# Jobs that end in the very moment in which they are ended


@app.task
def succeed_and_die() -> None: ...


@app.task(time_limit=0.2)
def succeed_and_linger() -> None: ...


@task_postrun.connect
def after_it_was_reported(task: Task, task_id: str, **_: object) -> None:
    """In the child, after jobreporter's own receiver, and before the main process hears that the job has ended."""
    if task.name in (succeed_and_die.name, succeed_and_linger.name):
        wait_until_stopped(task_id)
        if task.name == succeed_and_die.name:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(10)


@app.task(time_limit=0.2)
def succeed_at_the_limit(name: str) -> None:
    wait_for_release(name)


@task_failure.connect(sender=succeed_at_the_limit)
def before_it_is_killed(task_id: str, **_: object) -> None:
    """In the main process, which has decided that the job exceeds its time limit, and hasn't killed the child yet."""
    Path(f"{task_id}.release").touch()
    wait_until_stopped(task_id)


@app.task
def succeed_though_revoked(name: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    wait_for_release(name)


@task_revoked.connect(sender=succeed_though_revoked)
def once_it_is_revoked(request: Any, **_: object) -> None:
    Path(f"{request.id}.release").touch()


@app.task(soft_time_limit=0.2)
def send_until_the_limit() -> None:
    """The time limit lands in jobreporter's own code, which here takes its time."""

    def dawdle(headers: dict[str, Any]) -> None:
        source.stamp = stamp
        time.sleep(10)

    stamp, source.stamp = source.stamp, dawdle
    before_task_publish.send("work", headers={})  # as if there was a message; its sending might swallow the limit too
    time.sleep(10)


def wait_until_stopped(job: str) -> None:
    """Wait until the end of this job was written down."""
    while not any(call.hook == "handle_stopped" and call.meta.job.id == job for call in read_calls(Path(RECORDS))):
        time.sleep(0.01)


@worker_ready.connect
def wake_another_child(**_: object) -> None:
    """Where the main process notes that a child is gone, and has yet to look which jobs were lost with it."""

    def wake(record: logging.LogRecord) -> bool:
        if "exited with" in str(record.msg) and Path(TO_WAKE).exists():
            pid = int(Path(TO_WAKE).read_text())
            Path(TO_WAKE).unlink()
            os.kill(pid, signal.SIGCONT)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # it is left to the pool
        return True

    billiard.util.get_logger().addFilter(wake)


@app.task(autoretry_for=(RuntimeError,), max_retries=1, retry_kwargs={"countdown": 0})
def wander(name: str) -> None:
    end_as_named(name)


def send(name: str) -> None:
    """Enqueue a job whose id is the name of the scenario."""
    options: dict[str, Any] = {}
    match name:
        case "success" | "inherited" | "revoked":
            signature = succeed.s("acme", "k-canary")
        case "exception":
            signature = fail.s()
        case "retried":
            signature = fail_at_first.s()
        case "exhausted":
            signature = fail_always.s()
        case "retry_requested":
            signature = ask_for_retry.s()
        case "retry_for_error":
            signature = ask_for_retry_after_error.s()
        case "skipped":
            signature = skip.s()
        case "ignored":
            signature = ignore.s()
        case "rejected":
            signature = reject.s(requeue=False)
        case "requeued":
            signature = reject.s(requeue=True)
        case "replaced":
            signature = replace.s()
        case "expired":
            signature = succeed.s("acme", "k")
            options["expires"] = datetime.now(UTC) - timedelta(hours=1)
        case "soft_timeout":
            signature = linger_softly.s()
        case "timeout":
            signature = linger.s()
        case "exit":
            signature = leave.s()
        case "unacknowledged":
            signature = hold_unacknowledged.s(name)
        case "dies after its end":
            signature = succeed_and_die.s()
        case "lingers after its end":
            signature = succeed_and_linger.s()
        case "ends at its limit":
            signature = succeed_at_the_limit.s(name)
        case "ends though revoked":
            signature = succeed_though_revoked.s(name)
        case "sends until its limit":
            signature = send_until_the_limit.s()
        case _ if name.startswith("random-"):
            signature = wander.s(name)
        case _:
            assert name.startswith("hold"), name
            signature = hold.s(name)
    signature.apply_async(task_id=name, **options)


def revoke(name: str) -> None:
    """Ask for a running job to be given up."""
    app.control.revoke(name, terminate=True)
