"""The Celery app of the benchmarks: tasks that do nothing, with what watches them chosen by ``BENCH_VARIANT``.

Imported by the workers, and run as a program to measure what one task costs in the process that runs it.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from celery import Celery
from celery.app import trace
from redis import Redis

URL = os.environ.get("BENCH_REDIS", "redis://127.0.0.1:6379/0")
MARKS = "bench-marks"

#: What watches the tasks, by the variant's name.
VARIANTS = ("bare", "jobreporter", "sentry", "sentry-tracing")

#: What a job is given: three arguments, as an application's jobs have them.
ARGUMENTS = (2026, "a report, in three parts", 2.5)

app = Celery("bench", broker=URL)
app.conf.task_ignore_result = True
# As Celery's documentation has it for short tasks: each child fetches some in advance.
app.conf.worker_prefetch_multiplier = 64


@app.task(name="bench.noop")
def noop(year: int, title: str, amount: float) -> None:
    """Does nothing."""


@app.task(name="bench.mark")
def mark() -> None:
    """Note the time."""
    Redis.from_url(URL).rpush(MARKS, time.time())


def watch(variant: str) -> None:
    """Have the app's tasks watched."""
    if variant.startswith("jobreporter"):
        from jobreporter.sources.celery import attach

        attach(app)
    elif variant.startswith("sentry"):
        import sentry_sdk
        from sentry_sdk.integrations.celery import CeleryIntegration

        # As its documentation has it. What it sends is dropped: the network is not what is measured.
        sentry_sdk.init(
            dsn="http://key@127.0.0.1:9/1",
            integrations=[CeleryIntegration()],
            traces_sample_rate=1.0 if variant == "sentry-tracing" else None,
            transport=Nowhere,
        )


def nanoseconds_per_task(size: int) -> float:
    """What one task takes in the process that runs it, from Celery's tracer, with all that watches it."""
    task = app.tasks["bench.noop"]
    tracer = trace.build_tracer(task.name, task, app=app)
    requests = [request(number) for number in range(size)]
    start = time.perf_counter_ns()
    for each in requests:
        tracer(each["id"], each["args"], each["kwargs"], each)
    return (time.perf_counter_ns() - start) / size


def request(number: int) -> dict[str, Any]:
    """A message as a worker hands it to its child."""
    name = f"task-{number}"
    return {
        "id": name,
        "task": "bench.noop",
        "args": ARGUMENTS,
        "kwargs": {},
        "root_id": name,
        "parent_id": None,
        "correlation_id": name,
        "retries": 0,
        "eta": None,
        "expires": None,
        "hostname": "bench@host",
        "ignore_result": True,
        "is_eager": False,
        "delivery_info": {"exchange": "", "routing_key": "celery", "priority": 0, "redelivered": False},
        "headers": {},
        "callbacks": None,
        "errbacks": None,
        "chain": None,
        "chord": None,
        "group": None,
        "timelimit": [None, None],
        "reply_to": None,
    }


variant = os.environ.get("BENCH_VARIANT", "bare")
if variant.startswith("sentry"):
    from sentry_sdk.transport import Transport

    class Nowhere(Transport):
        """Takes what is sent, and drops it."""

        def capture_envelope(self, envelope: Any) -> None:
            """Do nothing with it."""


watch(variant)

if __name__ == "__main__":
    rounds, size = int(sys.argv[1]), int(sys.argv[2])
    nanoseconds_per_task(size)  # warm
    for _ in range(rounds):
        sys.stdin.readline()
        print(nanoseconds_per_task(size), flush=True)
