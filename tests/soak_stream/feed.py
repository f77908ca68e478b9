"""Puts jobs into the queues, as fast as the workers take them."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import redis
from celery import Celery
from rq import Queue, Retry

from .plan import Plan
from .told import POISON

#: Jobs that wait in each queue, about.
_WAITING = 20
_EVERY = 0.1

#: Takes an id, and what the job is told.
Enqueue = Callable[[str, tuple[str, float, bool]], None]


class Feed:
    """Three queues: Celery's, that of RQ's workers that fork, and that of those that don't."""

    def __init__(self, plan: Plan, broker: str) -> None:
        self._plan = plan
        self._client = redis.Redis.from_url(broker)
        self._celery = Celery("soak", broker=broker)
        self.enqueued = 0
        #: Whether some of the jobs are poison.
        self.poisons = True
        self._over = threading.Event()
        self.complaints: list[str] = []
        self._thread = threading.Thread(target=self._run, name="feed")
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self._celery.close()
        self._client.close()

    def _run(self) -> None:
        dice = self._plan.dice("feed")
        queues: dict[str, Enqueue] = {"soak": self._to_celery}
        queues |= {f"rq:queue:{name}": self._to_rq(name) for name in ("forking", "simple")}
        try:
            while not self._over.wait(_EVERY):
                for name, enqueue in queues.items():
                    for _ in range(_WAITING - self._client.llen(name)):
                        self._enqueue(dice, enqueue)
        except Exception as error:
            self.complaints.append(f"the feed: {type(error).__name__}: {error}")

    def _enqueue(self, dice: random.Random, enqueue: Enqueue) -> None:
        (ending,) = dice.choices(("success", "failure", "retry", "skip"), (70, 15, 5, 10))
        poisons = dice.random() < 0.005 and ending in ("success", "failure")
        seconds, flushes = dice.uniform(0, 0.03), dice.random() < 0.3
        self.enqueued += 1
        enqueue(f"{self.enqueued}{POISON if poisons and self.poisons else ''}", (ending, seconds, flushes))

    def _to_celery(self, name: str, arguments: tuple[str, float, bool]) -> None:
        self._celery.send_task("soak.work", arguments, task_id=name, queue="soak")

    def _to_rq(self, queue: str) -> Enqueue:
        target = Queue(queue, connection=self._client)

        def enqueue(name: str, arguments: tuple[str, float, bool]) -> None:
            retry = Retry(max=1) if arguments[0] == "retry" else None
            target.enqueue("tests.soak_stream.rq_app.run", *arguments, job_id=name, retry=retry, result_ttl=0)

        return enqueue
