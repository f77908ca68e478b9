"""The soak's jobs in RQ, and its workers: ``rq worker -c tests.soak_history.rq_app -w tests.soak_history.rq_app.Worker``."""

from __future__ import annotations

import os
from typing import Any

import jobreporter.sources.rq as source
from jobreporter import Dispatcher

from . import jobs
from .journal import Journal

# RQ reads it.
REDIS_URL = os.environ["SOAK_QUEUE"]
#: Seconds after which a worker looks for jobs that were abandoned, once more.
LOOKS = 5

dispatcher = Dispatcher.from_config()
journal = Journal(dispatcher)


def run(ending: str, seconds: float, flushes: bool) -> None:
    jobs.work(journal, ending, seconds, flushes=flushes)


class Worker(source.Worker):
    """Its horses write down what they had delivered when they closed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, dispatcher=dispatcher, **{**kwargs, "maintenance_interval": LOOKS})

    def perform_job(self, *args: Any, **kwargs: Any) -> bool:
        try:
            return super().perform_job(*args, **kwargs)
        finally:
            # Without its worker, a horse leaves the end to whoever finds the job abandoned, and that may be known already.
            if os.getppid() == self.pid:
                journal.is_over()
            journal.close()


class SimpleWorker(source.SimpleWorker):
    """Runs jobs in its own process."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, dispatcher=dispatcher, **{**kwargs, "maintenance_interval": LOOKS})
