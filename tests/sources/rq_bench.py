"""What the tests of RQ share: their jobs, and a queue whose worker works when the test says so."""

from __future__ import annotations

import enum
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from in_jobs import RECORDS
from redis import Redis
from reported import Events, Reported
from rq.job import Job
from rq.scheduler import RQScheduler
from scenarios import ran
from workers import wait_for

from jobreporter import Execution
from jobreporter.sources.rq import Queue
from jobreporter.testing import read_calls

LOST = ran("failure worker_lost final")
NEVER_STARTED = ("failure worker_lost final", "stopped failure")

#: What a job does, by the number that it is enqueued with.
ACTS: dict[int, Callable[[], Any]] = {}


def act(number: int) -> Any:
    """The job of most tests. RQ imports what it runs, so it can't be a function inside a test."""
    return ACTS[number]()


def charge(customer: str, api_key: str) -> None:
    """A job with a secret among its positional arguments."""


async def async_job() -> None:
    """A coroutine finds its execution as well."""
    execution = Execution.current()
    assert execution is not None
    execution.tag(customer="acme")


class Mailer:
    """Its methods are jobs."""

    def send(self, address: str, token: str) -> None: ...

    def __call__(self, address: str) -> None: ...

    @classmethod
    def every(cls, address: str, token: str) -> None: ...

    class Queue:
        """One inside another."""

        @classmethod
        def every(cls, address: str, token: str) -> None: ...


class Letter(Mailer):
    """Inherits its class methods."""


class Kind(type):
    """A class of classes."""


class Courier(metaclass=Kind):
    """A class whose own class is not ``type``."""

    @classmethod
    def every(cls, address: str, token: str) -> None: ...


class Stamp(enum.Enum):
    """Another one; its members are instances."""

    RED = 1

    @classmethod
    def every(cls, address: str, token: str) -> None: ...

    def lick(self, address: str, token: str) -> None: ...


def succeeded(_job: Job, _connection: object, _result: object) -> None:
    """RQ's callback after a success."""


def refuse(*_args: object, **_kwargs: object) -> None:
    raise OSError("the callback's own")


class Bench(Reported):
    """A queue in Redis, a worker of a kind that works when the test says so, and what was reported."""

    def __init__(self, connection: Redis, worker: Any, events: Events) -> None:
        super().__init__(events)
        self.connection = connection
        self.queue = Queue("desk", connection=connection)
        self.worker = worker

    def enqueue(self, function: Callable[[], Any], **options: Any) -> Job:
        number = len(ACTS)
        ACTS[number] = function
        return self.queue.enqueue(act, number, **options)

    def work(self) -> None:
        """Do what a worker does, and its scheduler, until nothing is left."""
        while True:
            self.pass_time()
            taken = Queue.dequeue_any([self.queue], None, connection=self.connection)
            if taken is None:
                return
            self.worker.execute_job(*taken)

    def pass_time(self) -> None:
        """Let everything be due that waits for its time."""
        registry = self.queue.scheduled_job_registry
        for job_id in registry.get_job_ids():
            self.connection.zadd(registry.key, {job_id: 1})
        scheduler = RQScheduler([self.queue], connection=self.connection, logging_level="WARNING")
        scheduler.acquire_locks()
        scheduler.enqueue_scheduled_jobs()
        scheduler.release_locks()
        scheduler.connection.connection_pool.disconnect()

    def look_after_the_queue(self) -> None:
        """Do what a worker does once in ten minutes, when whatever is in progress has given no sign of life."""
        registry = self.queue.started_job_registry
        for entry in self.connection.zrange(registry.key, 0, -1):
            self.connection.zadd(registry.key, {entry: 1})
        self.worker.clean_registries()


def recorded(folder: Path) -> list[Any]:
    return [call.meta for call in read_calls(folder / RECORDS) if call.meta is not None]


def fail(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


def wait_until_started() -> None:
    """Wait until the start of this execution was written down."""
    execution = Execution.current()
    assert execution is not None
    calls = Path(os.environ["JOBREPORTER_CONFIG"]).with_name(RECORDS)
    wait_for(lambda: execution.job.execution_id in (calls.read_text() if calls.exists() else ""), "started", str)


def die() -> None:
    """Let the work horse be killed, once its start was written down."""
    wait_until_started()
    os.kill(os.getpid(), signal.SIGKILL)
