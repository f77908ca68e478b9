"""The soak's jobs in Celery, as a worker loads them."""

from __future__ import annotations

import os

from celery import Celery

from jobreporter import Dispatcher
from jobreporter.sources.celery import attach

from . import jobs
from .journal import Journal

app = Celery("soak", broker=os.environ["SOAK_QUEUE"])
app.conf.task_ignore_result = True
app.conf.task_default_queue = "soak"
app.conf.worker_prefetch_multiplier = 1
app.conf.worker_hijack_root_logger = False
app.conf.broker_transport_options = {"polling_interval": 0.1}
dispatcher = Dispatcher.from_config()
attach(app, dispatcher)
journal = Journal(dispatcher)


@app.task(name="soak.work", autoretry_for=(jobs.Wanted,), max_retries=1, retry_kwargs={"countdown": 0})
def work(ending: str, seconds: float, flushes: bool) -> None:
    jobs.work(journal, ending, seconds, flushes=flushes)
