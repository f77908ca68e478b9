"""In a worker: writes down which jobs run and how they end, and what is delivered as `flush` and `close` promise.

What was published is known from what the job does, and not from the product: a job that runs has begun, and one that this
process ran before it has ended, as it was told to.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from jobreporter import Dispatcher, Execution
from tests.soak_stream import lines

#: Where the folder is named.
FOLDER = "SOAK_JOURNAL"
#: Seconds that a job waits for the reporters.
PATIENCE = 4.0


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line. at: Unix seconds.

    what: a job ``began``; it is about to be over (``ends``); its end was published, so that it is (``over``); of so many
    executions everything that was published until then is ``delivered``; so many events were ``lost``, as the ledger says.
    """

    what: Literal["began", "ends", "over", "delivered", "lost"]
    at: float
    pid: int
    parent: int
    group: int
    job: str = ""
    execution: str = ""
    source: str = ""
    #: How the job was told to end.
    ending: str = ""
    #: Those of which the beginning is delivered, and those of which the end is.
    begun: list[str] = []
    ended: list[str] = []
    lost: int = 0


class Journal:
    """Of one process. A forked child has its own."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._parent = os.getppid()
        self._group = os.getpgrp()
        self._running = ""
        self._begun: list[str] = []
        self._ended: list[str] = []

    def begins(self, ending: str) -> None:
        """A job runs: its beginning was published, and how the one before it ended."""
        if self._pid != os.getpid():
            self._begin()
        self.is_over()
        execution = Execution.current()
        if execution is None:
            return
        self._running = execution.job.execution_id
        self._begun.append(self._running)
        job = execution.job
        self._write("began", job=job.id, execution=self._running, source=job.source, ending=ending)

    def ends(self) -> None:
        """The job does nothing more but return, or raise."""
        self._write("ends", execution=self._running)

    def is_over(self) -> None:
        """The job that ran has ended, and this was published."""
        if self._running:
            self._write("over", execution=self._running)
            self._ended.append(self._running)
            self._running = ""

    def flush(self) -> None:
        """Ask for everything that was published so far to be delivered."""
        self._acknowledge(lambda: self._dispatcher.flush(PATIENCE))

    def close(self) -> None:
        """Likewise, where the dispatcher has been closed."""
        self._acknowledge(self._dispatcher.close)

    def _acknowledge(self, is_delivered: Callable[[], bool]) -> None:
        begun, ended = list(self._begun), list(self._ended)
        delivered = is_delivered()
        stats = self._dispatcher.stats()["history"]
        if stats.lost or stats.lost_by_reporter:
            self._write("lost", lost=stats.lost + sum(stats.lost_by_reporter.values()))
        elif delivered and (begun or ended):
            self._write("delivered", begun=begun, ended=ended)
            self._begun, self._ended = [], []

    def _write(self, what: Literal["began", "ends", "over", "delivered", "lost"], **more: object) -> None:
        here = {"at": time.time(), "pid": self._pid, "parent": self._parent, "group": self._group}
        lines.append(Path(os.environ[FOLDER]) / str(self._pid), {"what": what, **here, **more})


def read(folder: Path) -> list[Entry]:
    """What all processes have written, in the order of each."""
    return [msgspec.convert(line, Entry) for file in sorted(folder.iterdir()) for line in lines.read(file)]
