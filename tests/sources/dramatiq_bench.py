"""What the tests of Dramatiq share: a broker in memory, and workers that work when the test says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import PriorityQueue
from typing import Any

import dramatiq
from dramatiq import MessageProxy, Worker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import (
    AgeLimit,
    AsyncIO,
    Callbacks,
    Pipelines,
    Retries,
    ShutdownNotifications,
    TimeLimit,
)
from dramatiq.worker import _ConsumerThread, _WorkerThread
from reported import Events, Reported, recording
from scenarios import ran
from workers import PATIENCE

from jobreporter import Dispatcher, Execution
from jobreporter.sources.dramatiq import Reporting, attach

FAILED_AT_FIRST = ran("failure exception will retry")
TIMED_OUT = ran("failure timeout final")


class Bench(Reported):
    """A broker in memory, a worker of it that runs while the test says so, and what was reported."""

    def __init__(self, broker: Any, dispatcher: Dispatcher, events: Events) -> None:
        super().__init__(events)
        self.broker = broker
        self.dispatcher = dispatcher

    def actor(self, function: Callable[..., Any] | None = None, **options: Any) -> Any:
        options.setdefault("min_backoff", 1)
        return (
            dramatiq.actor(function, broker=self.broker, **options) if function else lambda f: self.actor(f, **options)
        )

    @contextmanager
    def worker(self, threads: int = 1) -> Iterator[Worker]:
        worker = Worker(self.broker, worker_timeout=10, worker_threads=threads)
        worker.start()
        try:
            yield worker
        finally:
            worker.stop()

    def work(self) -> None:
        """Do what is there to do, and what comes of it."""
        with self.worker() as worker:
            for queue in list(worker.consumers):
                if queue in self.broker.get_declared_queues() - self.broker.get_declared_delay_queues():
                    self.broker.join(queue, fail_fast=False, timeout=PATIENCE * 1000)
            worker.join()


def default_middleware() -> list[Any]:
    return [
        AgeLimit(),
        TimeLimit(),
        ShutdownNotifications(),
        Callbacks(),
        Pipelines(),
        Retries(max_retries=0),
        AsyncIO(),
    ]


@contextmanager
def bench_of(middleware: list[Any], switch_on: Callable[[Any, Dispatcher], None] = attach) -> Iterator[Bench]:
    with recording() as (dispatcher, events):
        broker = StubBroker(middleware)
        switch_on(broker, dispatcher)
        yield Bench(broker, dispatcher, events)


def add_reporting(broker: Any, dispatcher: Dispatcher) -> None:
    broker.add_middleware(Reporting(dispatcher))


def attach_by_config(broker: Any, _dispatcher: Dispatcher) -> None:
    attach(broker)


def execution() -> Execution:
    current = Execution.current()
    assert current is not None
    return current


class ByHand:
    """A thread of a worker's, without the thread: the test's own does what that would do with one message."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        options = {"broker": bench.broker, "work_queue": PriorityQueue(), "worker_timeout": 10}
        self._consumer = _ConsumerThread(queue_name="default", prefetch=1, **options)
        self._consumer.consumer = bench.broker.consume("default", prefetch=10_000)
        self._thread = _WorkerThread(consumers={"default": self._consumer}, **options)

    def process(self) -> None:
        # The broker in memory keeps errors for its `join`; others don't.
        message = MessageProxy(next(self._consumer.consumer)._message)
        self._thread.work_queue.put(message)
        self._thread.work_queue.get()
        self._thread.process_message(message)

    def shut_down(self) -> None:
        self._bench.broker.emit_after("worker_shutdown", None)
