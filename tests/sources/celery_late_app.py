"""A Celery app that has few tasks when its worker starts: others are registered later."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import celery_app
from celery import Celery, Task
from celery.signals import worker_init
from celery.worker.request import Request
from in_jobs import first_time, wait_until_reported

from jobreporter import Abort
from jobreporter.sources.celery import attach

app = Celery("late", broker=os.environ.get("QUEUE", "memory://"), set_as_current=False)
app.conf.update(
    worker_prefetch_multiplier=1,
    worker_pool_restarts=True,
    broker_transport_options={"polling_interval": 0.1},
)
attach(app)

#: A module that registers tasks when it is imported, which a worker does that runs already.
LATER = "celery_late_tasks"


class Source(celery_app.Source):
    """Celery's worker with this app."""

    name = "celery_late_app"


class OwnRequest(Request):  # type: ignore[misc]  # Celery ships no types
    """A program's own: it does what it does first, and calls the rest."""

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> None:
        first_time(f"{self.id}.seen")
        super().on_failure(exc_info, send_failed_event, return_ok)


class OwnTask(Task):
    """A program's own, with its own requests."""

    Request = "celery_late_app:OwnRequest"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return super().__call__(*args, **kwargs)


def die() -> None:
    wait_until_reported()
    os.kill(os.getpid(), signal.SIGKILL)


def abort() -> None:
    raise Abort("skipped")


def linger() -> None:
    time.sleep(10)


class Dying(OwnTask):
    """A task that is a class."""

    def run(self) -> None:
        die()


def register(when: str) -> None:
    """Register tasks in all the ways that there are, under names of their own."""
    app.task(name=f"{when}.dies")(die)
    app.task(name=f"{when}.aborts", autoretry_for=(Exception,))(abort)
    app.task(name=f"{when}.lingers", time_limit=0.2)(linger)
    app.task(name=f"{when}.dies in its own way", base=OwnTask)(die)
    app.task(name=f"{when}.comes again", acks_late=True, reject_on_worker_lost=True)(die_at_first)
    app.register_task(type(f"{when}Dying", (Dying,), {"name": f"{when}.class"})())
    plain = type(f"{when}Plain", (Dying,), {"name": f"{when}.registry"})()
    app.tasks.register(plain)
    plain.bind(app)


def die_at_first() -> None:
    if first_time("died"):
        die()


@worker_init.connect
def register_while_the_worker_starts(**_: object) -> None:
    """After jobreporter's own receiver, which has prepared all tasks that there were."""
    register("init")


def send(_: str) -> None:
    """Not a job: have the worker import further tasks, and start its children anew."""
    (answer,) = app.control.pool_restart(modules=[LATER], reply=True, timeout=20, limit=1)
    assert "reload started" in str(answer), answer
