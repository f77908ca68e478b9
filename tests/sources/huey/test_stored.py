"""Over random jobs: an outcome is what Huey has stored, and whether another attempt follows is whether one did."""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from drawn import AGAIN, JOBS, numbers, pick
from huey import CancelExecution, RetryTask, SqliteHuey
from huey.api import Error
from huey.constants import EmptyData
from huey.consumer import Worker
from huey.exceptions import RateLimitExceeded, TaskLockedException, TaskTimeout
from huey_bench import Bench, bench_of
from scenarios import summary

from jobreporter import Abort
from jobreporter.events import Aborted, Failure, Started, Stopped, Success


def raising(error: Callable[[], BaseException], cause: Callable[[], BaseException] | None = None) -> Callable[[], Any]:
    def end() -> None:
        raise error() from (cause() if cause else None)

    return end


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=5)


#: How an attempt may end, and how often.
ENDS: dict[str, tuple[int, Callable[[], Any]]] = {
    "returns": (30, lambda: 42),
    "returns nothing": (8, lambda: None),
    "returns what can't be stored": (5, lambda: lambda: None),
    "raises": (30, raising(lambda: RuntimeError("the job's"))),
    "asks for another try": (6, raising(RetryTask)),
    "asks for another try later": (4, raising(lambda: RetryTask(delay=60))),
    "asks for another try at five past": (4, raising(lambda: RetryTask(eta=soon()))),
    "asks for another try because of an error": (6, raising(RetryTask, lambda: OSError("busy"))),
    "asks for what makes no sense": (3, raising(lambda: RetryTask(eta="noon"), lambda: OSError("busy"))),
    "is cancelled": (4, raising(CancelExecution)),
    "is cancelled for good": (3, raising(lambda: CancelExecution(retry=False))),
    "is cancelled for now": (3, raising(lambda: CancelExecution(retry=True))),
    "finds its lock taken": (5, raising(lambda: TaskLockedException("taken"))),
    "is beyond its rate": (4, raising(lambda: RateLimitExceeded("x", delay=1, retry=True))),
    "is beyond its rate for good": (4, raising(lambda: RateLimitExceeded("x", delay=1, retry=False))),
    "is overdue": (5, raising(lambda: TaskTimeout("timeout 1s"))),
    "exits": (3, raising(lambda: SystemExit(3))),
    "exits well": (2, raising(lambda: SystemExit(0))),
    "is interrupted": (3, raising(KeyboardInterrupt)),
    "gives up": (6, raising(lambda: Abort("skipped"))),
    "gives up for now": (6, raising(lambda: Abort("not_yet", will_retry=True))),
}

#: What the storage refuses, while a job is under way.
REFUSED = ["enqueue", "add_to_schedule", "put_data"]


class Drawn(NamedTuple):
    """One job: how its attempts end, one after the other, and its task's settings. refused: by the storage, at an attempt."""

    id: str
    ends: list[str]
    retries: int
    delay: int
    follows: str | None
    refused: dict[int, str]


def draw(chance: random.Random, number: int) -> Drawn:
    weights = {end: weight for end, (weight, _) in ENDS.items()}
    retries, delay = pick(chance, {0: 3, 1: 3, 2: 2, 3: 1}), pick(chance, {0: 3, 20: 1})
    # More ends than it may have attempts: the last are such as end it for good.
    ends = [*(pick(chance, weights) for _ in range(9)), *["raises"] * 4]
    refused = {attempt: chance.choice(REFUSED) for attempt in range(1, 4) if chance.random() < 0.05}
    return Drawn(f"job-{number}", ends, retries, delay, pick(chance, {None: 8, "then": 1, "error": 1}), refused)


class Shop:
    """A Huey on SQLite with one of its workers, and what the jobs of this test note there."""

    def __init__(self, bench: Bench) -> None:
        self.huey = bench.huey
        self.drawn: dict[str, Drawn] = {}
        #: For each attempt that ran, the retries that it had left.
        self.ran: defaultdict[str, list[int]] = defaultdict(list)
        self._refuses: str | None = None
        for method in REFUSED:
            self._let_refuse(method)

        @self.huey.task()
        def after(*_: object) -> None: ...

        self._after = after
        self._tasks = {(retries, delay): self._task(retries, delay) for retries in range(4) for delay in (0, 20)}

    def _let_refuse(self, method: str) -> None:
        inside = getattr(self.huey.storage, method)

        def refusing(*args: Any, **kwargs: Any) -> Any:
            if self._refuses == method:
                raise OSError("the storage's")
            return inside(*args, **kwargs)

        setattr(self.huey.storage, method, refusing)

    def _task(self, retries: int, delay: int) -> Any:
        @self.huey.task(retries=retries, retry_delay=delay, context=True, name=f"work_{retries}_{delay}")
        def work(task: Any) -> Any:
            job = self.drawn[task.id]
            self.ran[job.id].append(task.retries)
            attempt = len(self.ran[job.id])
            self.huey.delete(job.id)  # what is found there in the end is of the last attempt
            self._refuses = job.refused.get(attempt)
            return ENDS[job.ends[min(attempt, len(job.ends)) - 1]][1]()

        return work

    def enqueue(self, job: Drawn) -> None:
        self.drawn[job.id] = job
        task = self._tasks[job.retries, job.delay].s(id=job.id)
        if job.follows == "then":
            task.then(self._after)
        elif job.follows == "error":
            task.error(self._after)
        self.huey.enqueue(task)

    def work(self) -> None:
        """Do what a worker and the scheduler do, until nothing is left, however long it had to wait."""
        worker = Worker(self.huey, threading.Event(), default_delay=0, max_delay=0, backoff=1)
        while self.huey.pending_count() or self.huey.scheduled_count():
            for due in self.huey.read_schedule(datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)):
                due.eta = None
                self.huey.enqueue(due)
            try:
                worker.loop()
            except SystemExit:
                pass  # the worker has died of its job, and the consumer starts another
            self._refuses = None


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with bench_of(SqliteHuey("shop", filename=str(tmp_path / "shop.db"), utc=True)) as bench:
        yield bench


def test_what_is_reported_is_what_huey_has_stored(bench: Bench) -> None:
    """How each attempt ended, whether another one followed, and which of how many it was."""
    chance, shop = numbers("huey"), Shop(bench)
    for number in range(JOBS):
        shop.enqueue(draw(chance, number))
    shop.work()
    reported: defaultdict[str, dict[str, list[Any]]] = defaultdict(dict)
    for event in bench.events:
        reported[event.job.id].setdefault(event.job.execution_id, []).append(event)

    for job in shop.drawn.values():
        check(shop, job, list(reported[job.id].values()))


def check(shop: Shop, job: Drawn, executions: list[list[Any]]) -> None:
    """What was reported of one job is what became of it."""
    told = f"{AGAIN}: {job}\n" + "\n".join(str([summary(event) for event in events]) for events in executions)
    ran = shop.ran[job.id]
    outcomes = [events[-2] for events in executions]

    # Each attempt that ran is one execution, which starts and ends once.
    assert len(executions) == len(ran), told
    for events in executions:
        assert [type(events[0]), len(events), type(events[-1])] == [Started, 3, Stopped], told
    # Whether it was put back: another one ran, or none did.
    assert [getattr(outcome, "will_retry", False) for outcome in outcomes[:-1]] == [True] * (len(ran) - 1), told
    assert not getattr(outcomes[-1], "will_retry", False), told
    # Which of how many it was, as Huey counts.
    for events, retries in zip(executions, ran, strict=True):
        assert (events[0].job.attempt, events[0].job.max_attempts) == (job.retries - retries + 1, job.retries + 1), told
    check_result(shop, job, outcomes[-1], told)


def check_result(shop: Shop, job: Drawn, last: Any, told: str) -> None:
    """What Huey has stored is what the last attempt came to."""
    raw = shop.huey.get_raw(job.id, peek=True)
    result = None if raw is EmptyData else shop.huey.serializer.deserialize(raw)
    end = job.ends[min(len(shop.ran[job.id]), len(job.ends)) - 1]
    refused = job.refused.get(len(shop.ran[job.id]))
    told += f"\n{end}, refused: {refused}, stored: {result!r}"
    if isinstance(result, Error):
        assert isinstance(last, Failure | Aborted), told
        if isinstance(last, Failure):
            name = last.error.type.rpartition(".")[2]
            assert name in str(result.metadata["error"]) or "RetryTask" in str(result.metadata["error"]), told
    elif result is not None:
        assert (type(last), result) == (Success, 42), told
    elif isinstance(last, Success):
        # Huey stores nothing of a job that returned nothing, or that left.
        assert end in ("returns nothing", "exits well"), told
    else:
        # It was lost: the storage refused it, or Huey could not make sense of it, or the worker went with it.
        lost = ("returns what can't be stored", "asks for what makes no sense", "exits", "is interrupted")
        assert end in lost or refused is not None, told
