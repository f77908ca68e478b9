"""A small job queue that stands in for the real one: import that instead, and delete this.

Jobs are files in a folder. Whoever renames one first has it, and a worker is a loop in a process of its own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

__version__ = "1.0"


class Dropped(Exception):  # noqa: N818 - the queue's own word
    """Raised by a job that is to be given up without another try."""


class Queue:
    """The jobs in a folder; ``run`` is called with the arguments of each."""

    def __init__(self, folder: Path, run: Callable[..., object]) -> None:
        self.folder = folder
        self.run = run
        #: Called by the worker before its first job, before and after each job, and when it ends.
        self.at_start: list[Callable[[], None]] = []
        self.before: list[Callable[[dict[str, Any]], None]] = []
        self.after: list[Callable[[dict[str, Any], BaseException | None, bool], None]] = []
        self.at_end: list[Callable[[], None]] = []
        #: Called with each job that is put in.
        self.putting: list[Callable[[dict[str, Any]], None]] = []
        self.ending = False

    def put(self, *args: object, job_id: str = "", tries: int = 1, **kwargs: object) -> str:
        """Put a job in, to be tried so often. Returns its id."""
        job = {"id": job_id or uuid4().hex, "args": args, "kwargs": kwargs, "tries": tries, "attempt": 1}
        for hook in self.putting:
            hook(job)
        self._write(job)
        return str(job["id"])

    def work(self) -> None:
        """Run jobs until ``ending`` is set."""
        try:
            for start in self.at_start:
                start()
            while not self.ending:
                job = self._take()
                if job is None:
                    time.sleep(0.02)
                else:
                    self._perform(job)
        finally:
            for end in self.at_end:
                end()

    def _perform(self, job: dict[str, Any]) -> None:
        error: BaseException | None = None
        for hook in self.before:
            hook(job)
        try:
            self.run(*job["args"], **job["kwargs"])
        except Exception as raised:
            error = raised
        again = error is not None and not isinstance(error, Dropped) and job["attempt"] < job["tries"]
        if again:
            self._write({**job, "attempt": job["attempt"] + 1})
        for after in self.after:
            after(job, error, again)

    def _write(self, job: dict[str, Any]) -> None:
        self.folder.mkdir(exist_ok=True)
        path = self.folder / f"{time.time_ns()}-{uuid4().hex}"
        path.with_suffix(".part").write_text(json.dumps(job), encoding="utf-8")
        path.with_suffix(".part").rename(path.with_suffix(".job"))

    def _take(self) -> dict[str, Any] | None:
        for path in sorted(self.folder.glob("*.job")):
            try:
                taken = path.rename(path.with_suffix(".taken"))
            except FileNotFoundError:  # another worker was faster
                continue
            job: dict[str, Any] = json.loads(taken.read_text(encoding="utf-8"))
            taken.unlink()
            return job
        return None
