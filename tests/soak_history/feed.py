"""Puts jobs into the queues, as fast as the workers take them."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import redis
from celery import Celery
from rq import Queue, Retry

from .plan import Plan

#: RQ's queues: of workers that fork, and of those that don't.
RQ_QUEUES = ("forking", "simple")
#: Jobs that wait in each queue, about.
_WAITING = 20
_EVERY = 0.1
#: A worker that doesn't fork is given up a minute after the time limit of its job.
_OPTIONS = {"result_ttl": 0, "job_timeout": 20}

#: Takes an id, and what the job is told.
Enqueue = Callable[[str, tuple[str, float, bool]], None]


class Feed:
    """Three queues: Celery's and RQ's."""

    def __init__(self, plan: Plan, broker: str) -> None:
        self._plan = plan
        self._client = redis.Redis.from_url(broker)
        self._celery = Celery("soak", broker=broker)
        self.enqueued = 0
        self._over = threading.Event()
        self.complaints: list[str] = []
        self._queues: dict[str, Enqueue] = {"soak": self._to_celery}
        self._queues |= {f"rq:queue:{name}": self._to_rq(name) for name in RQ_QUEUES}
        self._thread = threading.Thread(target=self._run, name="feed")
        self._thread.start()

    def stop(self) -> None:
        """Nothing more is put in."""
        self._over.set()
        self._thread.join()

    def close(self) -> None:
        self.stop()
        self._celery.close()
        self._client.close()

    def is_empty(self) -> bool:
        """Whether no job waits to be taken."""
        return not any(self._client.llen(name) for name in self._queues)

    def let_workers_look(self) -> None:
        """Have a living worker look for abandoned jobs: one that was killed while it did keeps RQ's lock for 15 minutes."""
        for name in RQ_QUEUES:
            Queue(name, connection=self._client).release_maintenance_lock()

    def abandoned(self) -> list[str]:
        """Executions that RQ believes are going on."""
        return [execution.decode() for name in RQ_QUEUES for execution in self._client.zrange(f"rq:wip:{name}", 0, -1)]

    def claimed(self) -> set[str]:
        """Executions whose end somebody was about to tell."""
        keys = self._client.scan_iter("rq:jobreporter:*", count=1000)
        return {key.decode().removeprefix("rq:jobreporter:") for key in keys}

    def _run(self) -> None:
        dice = self._plan.dice("feed")
        try:
            while not self._over.wait(_EVERY):
                for name, enqueue in self._queues.items():
                    for _ in range(_WAITING - self._client.llen(name)):
                        self._enqueue(dice, enqueue)
        except Exception as error:
            self.complaints.append(f"the feed: {type(error).__name__}: {error}")

    def _enqueue(self, dice: random.Random, enqueue: Enqueue) -> None:
        (ending,) = dice.choices(("success", "card", "stock", "retry", "skip"), (65, 10, 5, 10, 10))
        seconds, flushes = dice.uniform(0, 0.1), dice.random() < 0.2
        self.enqueued += 1
        enqueue(f"job-{self.enqueued}", (ending, seconds, flushes))

    def _to_celery(self, name: str, arguments: tuple[str, float, bool]) -> None:
        self._celery.send_task("soak.work", arguments, task_id=name, queue="soak")

    def _to_rq(self, queue: str) -> Enqueue:
        target = Queue(queue, connection=self._client)

        def enqueue(name: str, arguments: tuple[str, float, bool]) -> None:
            retry = Retry(max=1) if arguments[0] == "retry" else None
            target.enqueue("tests.soak_history.rq_app.run", *arguments, job_id=name, retry=retry, **_OPTIONS)

        return enqueue
