"""Reports the jobs of Pigeon, a job queue, to whatever reporters the config enables.

``attach(queue)`` goes where the queue is made. It is harmless in processes that only enqueue: reporters start in the
process that runs jobs, when its worker starts.
"""

from __future__ import annotations

from typing import Any

from jobreporter import Dispatcher
from jobreporter.sourcekit import LazyDispatcher, Library

#: What `jobreporter sources` says of it, and what a program is told that lacks the queue.
LIBRARY = Library(
    "Pigeon",
    "pigeon",
    oldest=(1, 0),
    version_in=("jobreporter_pigeon._queue", "__version__"),
    attached_by="attach(queue)",
    module="jobreporter_pigeon",
    requirement="jobreporter-pigeon",
)

try:
    from jobreporter_pigeon._queue import Queue, __version__
    from jobreporter_pigeon._source import Source
except ImportError as error:
    raise LIBRARY.refusal() from error
LIBRARY.check(__version__)

__all__ = ["LIBRARY", "attach", "is_attached"]


def attach(queue: Any, dispatcher: Dispatcher | None = None) -> None:
    """Report what becomes of this queue's jobs. Call it once, where the queue is made.

    Without a ``dispatcher``, one is built from the config when a worker starts; a config that can't be used ends the
    worker there, with a `ConfigError`, before it takes a job.
    """
    LIBRARY.expect(queue, Queue, "a queue of Pigeon")
    Source(LazyDispatcher(dispatcher, source="pigeon")).connect(queue)


def is_attached(app: object) -> bool | None:
    """Whether this queue's jobs are reported; ``None`` for what is none. ``jobreporter check --app`` asks it."""
    return Source.is_connected(app) if isinstance(app, Queue) else None
