"""What the tests of Celery share: an app in memory whose jobs run when the test says so."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from secrets import token_hex
from typing import Any

import pytest
from billiard.einfo import ExceptionInfo
from celery import Celery, Task
from celery.concurrency.base import BasePool
from celery.utils.imports import symbol_by_name
from celery.worker import state
from celery.worker.request import Request
from reported import Events, Reported, recording

from jobreporter import Dispatcher
from jobreporter.sources.celery import attach
from jobreporter.sources.celery._children import Children
from jobreporter.sources.celery._pool import Pool


class Sender:
    """Stands for a worker or its consumer, as far as signals tell of them."""

    def __init__(self, app: Celery, pool: BasePool | None = None) -> None:
        self.app = app
        self.pool = pool


class Desk(Reported):
    """A Celery app in memory whose jobs run when the test says so, and what was reported of them."""

    def __init__(self, app: Celery, dispatcher: Dispatcher, events: Events) -> None:
        super().__init__(events)
        self.app = app
        self.dispatcher = dispatcher
        #: Of this app alone: without a word Celery makes a task one of every app's.
        self.task = functools.partial(app.task, shared=False)

    def requests(self) -> Iterator[Request]:
        """What a worker makes of each message that waits, and of those that follow."""
        with self.app.connection_for_read() as connection:
            while message := self.app.amqp.default_queue(connection.default_channel).get(accept=["json"]):
                yield self.request(message)

    def request(self, message: Any) -> Request:
        task = self.app.tasks[message.headers["task"]]
        return symbol_by_name(task.Request)(
            message,
            app=self.app,
            task=task,
            on_ack=lambda *_: message.ack(),
            on_reject=lambda _logger, _errors, requeue: message.reject(requeue=requeue),
        )

    def work(self) -> None:
        """Do what a worker does, until no message is left. Nothing waits for its time."""
        for request in self.requests():
            request.execute()

    def work_on(self, task: Task, *args: Any, **options: Any) -> None:
        """Enqueue one job, and do what a worker does."""
        task.apply_async(args, **options)
        self.work()


def app_in_memory(name: str, **settings: Any) -> Celery:
    """Its queue is its own: brokers in memory are all the same one."""
    app = Celery(name, broker="memory://", set_as_current=False)
    app.conf.update(task_default_queue=token_hex(4), **settings)
    return app


@contextmanager
def desk_of(config: Mapping[str, object] | None = None, **settings: Any) -> Iterator[Desk]:
    """config: jobreporter's. settings: Celery's."""
    app = app_in_memory("desk", **settings)
    with recording(config) as (dispatcher, events):
        attach(app, dispatcher)
        yield Desk(app, dispatcher, events)
    app.close()


class Ending(BasePool):
    """A pool that can end the process of a job."""

    def terminate_job(self, pid: int, signal: int | None = None) -> None: ...


@contextmanager
def terminating() -> Iterator[None]:
    """A worker is ending at once."""
    state.should_terminate = True
    try:
        yield
    finally:
        state.should_terminate = None


def taken(desk: Desk, pool: Pool, pid: int, **options: Any) -> Any:
    """The request of a job that a child with this process id has taken."""

    @desk.task(name="work", **options)
    def work(customer: str, api_key: str) -> None: ...

    pool.watch(desk.app.tasks["work"])
    work.apply_async(["acme", "canary"], task_id="1")
    request = next(desk.requests())
    request.on_accepted(pid, time.monotonic())
    return request


def raised(error: BaseException) -> ExceptionInfo:
    """As the pool hands it to a request."""
    with pytest.raises(type(error)) as caught:
        raise error
    return ExceptionInfo((type(error), error, caught.tb))


def in_child(
    children: Children, *names: str, begins: Mapping[str, str] | None = None, then: Callable[[], None] | None = None
) -> int:
    """A child of the pool that begins these, by delivery, does something, ends those, and then itself."""
    child = os.fork()
    if child == 0:
        try:
            children.be_child()
            for delivery, name in (begins or {}).items():
                children.begins(delivery, name)
            if then is not None:
                then()
            for name in names:
                children.ends(name)
            os._exit(0)
        finally:
            os._exit(1)  # or the tests would go on in the child
    _, status = os.waitpid(child, 0)
    assert status == 0
    return child
