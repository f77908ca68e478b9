"""An application whose jobs do what the cases say; its worker runs in a process of its own."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from jobreporter.testing import perform_case

from jobreporter_pigeon import attach
from jobreporter_pigeon._queue import Dropped, Queue


def perform(case: str, api_key: str = "") -> None:
    """Do what the job of a case does."""
    if case == "rejected":
        raise Dropped("rejected")
    perform_case(case)


queue = Queue(Path("jobs"), perform)
attach(queue)


def send(case: str) -> None:
    """Enqueue the job of a case."""
    secret = {"api_key": "k-canary"} if case == "success" else {}
    queue.put(case, job_id=case, tries=2 if case in ("retried", "exhausted", "skipped") else 1, **secret)


def work() -> None:
    """Run jobs until SIGINT says that the current one is the last, or SIGTERM that it is too late for it."""

    def finish(*_: object) -> None:
        queue.ending = True

    def give_up(*_: object) -> None:
        sys.exit()

    signal.signal(signal.SIGINT, finish)
    signal.signal(signal.SIGTERM, give_up)
    queue.work()


if __name__ == "__main__":
    work()
