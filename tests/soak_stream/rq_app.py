"""The soak's jobs in RQ, and its workers: ``rq worker -c tests.soak_stream.rq_app -w tests.soak_stream.rq_app.Worker``."""

from __future__ import annotations

import os
from typing import Any

import jobreporter.sources.rq as source
from jobreporter import Dispatcher

from . import jobs
from .journal import Journal

# RQ reads it.
REDIS_URL = os.environ["SOAK_QUEUE"]

dispatcher = Dispatcher.from_config()
journal = Journal(dispatcher)


def run(ending: str, seconds: float, flushes: bool) -> None:
    jobs.work(journal, ending, seconds, flushes=flushes)


class Worker(source.Worker):
    """Its horses write down what they had in the stream when they closed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, dispatcher=dispatcher, **kwargs)

    def perform_job(self, *args: Any, **kwargs: Any) -> bool:
        try:
            return super().perform_job(*args, **kwargs)
        finally:
            # Without its worker, a horse leaves the end to whoever finds the job abandoned, and that may be known already.
            if os.getppid() == self.pid:
                journal.has_ended()
            journal.close()


class SimpleWorker(source.SimpleWorker):
    """Runs jobs in its own process."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, dispatcher=dispatcher, **kwargs)
