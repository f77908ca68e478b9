"""In a worker: writes down which events are in the stream, as the public promise of `flush` and `close` says.

What was published is known from what the job does, and not from the product: a job that runs has begun, and one that this
process ran before it has ended, as it was told to.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from jobreporter import Dispatcher, Execution

from . import lines
from .told import Told

#: Where the folder is named.
FOLDER = "SOAK_JOURNAL"
#: Seconds that a job waits for the stream.
PATIENCE = 4.0
#: What is published of an execution that ends in these ways.
OUTCOMES = {"success": "success", "failure": "failure", "retry": "failure", "skip": "aborted"}


class Journal:
    """Of one process. A forked child has its own."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._published: list[Told] = []
        self._running: tuple[str, str] | None = None
        self._ending = ""

    def begins(self, ending: str) -> None:
        """A job runs: its beginning was published, and how the one before it ended."""
        if self._pid != os.getpid():
            self._begin()
        self.has_ended()
        execution = Execution.current()
        if execution is None:
            return
        self._running, self._ending = (execution.job.id, execution.job.execution_id), ending
        self._published.append(Told(*self._running, "started"))

    def has_ended(self) -> None:
        """The job that ran has ended, and this was published."""
        running, self._running = self._running, None
        if running is not None:
            self._published += [Told(*running, OUTCOMES[self._ending]), Told(*running, "stopped")]

    def flush(self) -> None:
        """Ask for everything that was published so far to be in the stream."""
        self._acknowledge(lambda: self._dispatcher.flush(PATIENCE))

    def close(self) -> None:
        """Likewise, where the dispatcher has been closed."""
        self._acknowledge(self._dispatcher.close)

    def _acknowledge(self, is_stored: Callable[[], bool]) -> None:
        published = list(self._published)
        if not is_stored() or not published:
            return
        stats = self._dispatcher.stats()["stream"]
        if stats.lost or stats.lost_by_reporter:
            return  # it says that some are lost, and not which
        self._published.clear()
        lines.append(Path(os.environ[FOLDER]) / str(self._pid), published)
