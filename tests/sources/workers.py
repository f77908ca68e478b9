"""Real workers of real job queues, in processes of their own, and what their reporters recorded."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal, Protocol

from jobreporter.testing import WorkerBench
from jobreporter.testing._source._bench import CONFIG
from jobreporter.testing._source._config import UNUSABLE
from jobreporter.testing._waiting import PATIENCE, wait_for

__all__ = ["CONFIG", "PATIENCE", "UNUSABLE", "Bench", "Source", "wait_for"]

HERE = Path(__file__).parent


class Source(Protocol):
    """A job queue as the tests see it."""

    #: The module that holds it. ``send(name)`` there enqueues a job whose id is the case's name; one that begins with
    #: ``random-`` ends as its name says, and has one retry. ``revoke(id)`` asks for a running job to be given up, where
    #: the job queue can do that.
    name: str
    #: Kinds of workers.
    kinds: tuple[str, ...]
    #: Whether the queue is in a file or in Redis: the environment's QUEUE is the file's path or the database's URL.
    broker: Literal["file", "redis"]
    #: Whether jobs run in processes that are the worker's children, by kind.
    has_children: Collection[str]

    def command(self, kind: str, *, workers: int, max_jobs: int | None) -> list[str]:
        """How a worker is started that runs so many jobs at once.

        max_jobs: after how many jobs it is replaced by a fresh one.
        """

    def end(self, bench: Bench, *, abruptly: bool) -> None:
        """Ask the bench's worker to end: abruptly, or once it has finished its jobs."""


class Bench(WorkerBench):
    """The bench of one kind of worker of one of our job queues."""

    def __init__(self, source: Source, kind: str, folder: Path, queue: str, config: str = CONFIG) -> None:
        super().__init__(folder, source.name, config)
        self.source = source
        self.kind = kind
        #: Where the queue is: a file's path, or the database's URL.
        self.queue = queue

    def command(self, *, workers: int, max_jobs: int | None) -> Sequence[str]:
        return self.source.command(self.kind, workers=workers, max_jobs=max_jobs)

    def end(self, *, abruptly: bool) -> None:
        self.source.end(self, abruptly=abruptly)

    def _environment(self) -> dict[str, str]:
        return {**super()._environment(), "PYTHONPATH": os.fspath(HERE), "QUEUE": self.queue}
