"""Over random jobs: an outcome is what Dramatiq did with the message, and whether another attempt follows is whether one did."""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import dramatiq
import pytest
from conftest import NewQueue
from dramatiq import Message, Worker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import RateLimitExceeded
from dramatiq.middleware import (
    AgeLimit,
    Callbacks,
    CurrentMessage,
    Interrupt,
    Pipelines,
    Retries,
    Shutdown,
    ShutdownNotifications,
    SkipMessage,
    TimeLimit,
    TimeLimitExceeded,
    raise_thread_exception,
)
from dramatiq_app import Source
from drawn import AGAIN, JOBS, numbers, pick
from reported import Events, recording
from scenarios import summary
from workers import PATIENCE

from jobreporter import Abort, Execution
from jobreporter.events import Aborted, Failure, Started, Stopped, Success
from jobreporter.sources.dramatiq import attach


class Expected(Exception):  # noqa: N818 - what a job's ``throws`` names
    """No surprise."""


class Cancelled(Interrupt):
    """What other middleware raises into a thread."""


def raising(error: Callable[[], BaseException], cause: Callable[[], BaseException] | None = None) -> Callable[[], Any]:
    def end() -> None:
        raise error() from (cause() if cause else None)

    return end


def interrupted(by: type[BaseException]) -> Callable[[], None]:
    def end() -> None:
        raise_thread_exception(threading.get_ident(), by)
        for _ in range(1000):  # somewhere in here
            pass

    return end


def fail_message() -> None:
    message = CurrentMessage.get_current_message()
    assert message is not None
    message.fail()  # type: ignore[attr-defined] - it is a proxy


def fail_and_skip() -> None:
    fail_message()
    raise SkipMessage


#: How an attempt may end, and how often.
ENDS: dict[str, tuple[int, Callable[[], Any]]] = {
    "returns": (30, lambda: None),
    "raises": (30, raising(RuntimeError)),
    "raises what it throws": (6, raising(Expected)),
    "exits": (4, raising(lambda: SystemExit(0))),
    "asks for another try": (8, raising(lambda: dramatiq.Retry(delay=1))),
    "asks for another try because of an error": (6, raising(lambda: dramatiq.Retry(delay=1), OSError)),
    "is beyond its rate": (6, raising(lambda: RateLimitExceeded("too much"))),
    "skips": (5, raising(SkipMessage)),
    "marks its message as failed": (5, fail_message),
    "marks it and skips": (3, fail_and_skip),
    "gives up": (6, raising(lambda: Abort("no_stock"))),
    "gives up for now": (6, raising(lambda: Abort("not_yet", will_retry=True))),
    "is overdue": (5, interrupted(TimeLimitExceeded)),
    "is shut down": (4, interrupted(Shutdown)),
    "is interrupted": (4, interrupted(Cancelled)),
}


class Drawn(NamedTuple):
    """One job: how its attempts end, one after the other, and its options.

    lost: at which attempts the broker takes no message back. late: it is too old before its first.
    """

    id: str
    ends: list[str]
    retries: int
    by_predicate: bool
    lost: frozenset[int]
    late: bool


def draw(chance: random.Random, number: int) -> Drawn:
    weights = {end: weight for end, (weight, _) in ENDS.items()}
    lost = frozenset(attempt for attempt in range(1, 4) if chance.random() < 0.03)
    ends = [pick(chance, weights) for _ in range(6)]
    retries = pick(chance, {0: 3, 1: 3, 2: 2, 3: 1})
    return Drawn(f"job-{number}", ends, retries, chance.random() < 0.15, lost, chance.random() < 0.04)


class Shop:
    """A broker in Redis, a real worker of it, and what the jobs of this test note there."""

    def __init__(self, broker: RedisBroker, events: Events) -> None:
        self.broker = broker
        self.events = events
        self.drawn: dict[str, Drawn] = {}
        #: The executions of each job that ran, in their order.
        self.ran: defaultdict[str, list[str]] = defaultdict(list)
        self._let_lose()
        options: dict[str, Any] = {"throws": Expected, "broker": broker, "max_age": 60_000}
        self._by_number = dramatiq.actor(self.work, actor_name="by_number", **options)
        self._by_predicate = dramatiq.actor(
            self.work, actor_name="by_predicate", retry_when=lambda retries, error: retries < 2, **options
        )

    def work(self, name: str) -> None:
        execution = Execution.current()
        assert execution is not None
        self.ran[name].append(execution.job.execution_id)
        ends = self.drawn[name].ends
        ENDS[ends[min(len(self.ran[name]), len(ends)) - 1]][1]()

    def _let_lose(self) -> None:
        inside = self.broker.do_enqueue

        def enqueue(queue_name: str, redis_message_id: str, data: bytes) -> Any:
            name = Message.decode(data).message_id
            if name in self.ran and len(self.ran[name]) in self.drawn[name].lost and queue_name.endswith(".DQ"):
                raise ConnectionError("the broker's")
            return inside(queue_name, redis_message_id, data)

        self.broker.do_enqueue = enqueue  # type: ignore[method-assign] - it stands for a broker that went away

    def enqueue(self, job: Drawn) -> None:
        self.drawn[job.id] = job
        actor = self._by_predicate if job.by_predicate else self._by_number
        message: Message[Any] = actor.message_with_options(args=(job.id,), max_retries=job.retries)
        age = 120_000 if job.late else 0
        self.broker.enqueue(message.copy(message_id=job.id, message_timestamp=message.message_timestamp - age))

    def dead(self) -> set[str]:
        """The messages in Dramatiq's dead-letter queue."""
        letters = self.broker.client.hvals("dramatiq:default.XQ.msgs")
        return {Message.decode(letter).message_id for letter in letters}


@pytest.fixture
def shop(tmp_path: Path, new_queue: NewQueue) -> Iterator[Shop]:
    middleware = [
        AgeLimit(),
        TimeLimit(),
        ShutdownNotifications(),
        Callbacks(),
        Pipelines(),
        Retries(max_retries=0, min_backoff=1, max_backoff=2),
        CurrentMessage(),
    ]
    broker = RedisBroker(url=new_queue(Source(), tmp_path), middleware=middleware)
    with recording() as (dispatcher, events):
        attach(broker, dispatcher)
        yield Shop(broker, events)
    broker.close()
    broker.client.close()


def test_what_is_reported_is_what_dramatiq_did(shop: Shop) -> None:
    """How each attempt ended, whether another one followed, and which of how many it was."""
    chance = numbers("dramatiq")
    for number in range(JOBS):
        shop.enqueue(draw(chance, number))
    worker = Worker(shop.broker, worker_timeout=10, worker_threads=4)
    worker.start()
    shop.broker.join("default", timeout=PATIENCE * 1000 + JOBS * 100)
    worker.join()
    worker.stop()
    dead = shop.dead()
    reported: defaultdict[str, dict[str, list[Any]]] = defaultdict(dict)
    for event in shop.events():
        reported[event.job.id].setdefault(event.job.execution_id, []).append(event)

    for job in shop.drawn.values():
        check(job, shop.ran[job.id], reported[job.id], job.id in dead)


#: Reasons for which Dramatiq acknowledges a message, whatever retries it has.
LET_GO = ("skipped", "expired", "no_stock")


def check(job: Drawn, ran: list[str], executions: dict[str, list[Any]], dead: bool) -> None:
    """What was reported of one job is what became of it."""
    told = f"{AGAIN}: {job}, dead: {dead}\n" + "\n".join(
        f"{name}: {[summary(event) for event in events]}" for name, events in executions.items()
    )
    outcomes = [events[-2] for events in executions.values()]
    last = outcomes[-1]

    if job.late:
        assert ([type(outcome) for outcome in outcomes], last.reason, ran) == ([Aborted], "expired", []), told
        assert dead, told
        return
    # Each attempt that ran is one execution, which starts and ends once.
    assert list(executions) == ran, told
    for events in executions.values():
        assert [type(events[0]), len(events), type(events[-1])] == [Started, 3, Stopped], told
    # Whether it was put back: another one ran, or none did.
    assert [getattr(outcome, "will_retry", False) for outcome in outcomes[:-1]] == [True] * (len(ran) - 1), told
    assert not getattr(last, "will_retry", False), told
    # Whether it lies among the dead letters. What could not be put back was acknowledged, and is lost.
    end = job.ends[min(len(ran), len(job.ends)) - 1]
    lost = len(ran) in job.lost and not dead
    if isinstance(last, Success):
        assert not dead, told
    elif isinstance(last, Failure):
        assert dead or lost, told
    else:
        assert dead == (last.reason not in LET_GO or end == "marks it and skips") or lost, told
    # Which of how many it was.
    assert [events[0].job.attempt for events in executions.values()] == list(range(1, len(ran) + 1)), told
    most = None if job.by_predicate else job.retries + 1
    assert {events[0].job.max_attempts for events in executions.values()} == {most}, told
    assert most is None or len(ran) <= most, told
