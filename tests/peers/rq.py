"""RQ's own tests, with our workers and our queue in the place of RQ's, under the same names."""

from __future__ import annotations

import sys
from typing import Any

from .peer import Peer


def attach_everywhere() -> None:
    """Put ours wherever RQ's own code has, or hands out, its classes.

    Not where they are defined: there RQ means its own, which ours inherit from, as in ``isinstance(other, Queue)``.
    """
    import rq.cli
    import rq.cron
    import rq.group
    import rq.queue
    import rq.worker_pool
    from rq.worker.base import BaseWorker

    import jobreporter.sources.rq as ours

    places = [module for name, module in sys.modules.items() if name == "rq" or name.startswith("rq.")]
    for theirs in (rq.Queue, rq.SimpleWorker, rq.SpawnWorker, rq.Worker):
        for place in places:
            if getattr(place, theirs.__name__, None) is theirs and place.__name__ != theirs.__module__:
                setattr(place, theirs.__name__, getattr(ours, theirs.__name__))
    BaseWorker.queue_class = ours.Queue  # what a worker makes of a queue's name, as with --queue-class

    def validate_queues(worker: Any) -> None:
        """As RQ does, whose own class is the default: tests have it from the module that defines it."""
        accepted = rq.queue.Queue if worker.queue_class is ours.Queue else worker.queue_class
        for queue in worker.queues:
            if not isinstance(queue, accepted):
                raise TypeError(f"{queue} is not of type {accepted} or string types")

    BaseWorker.validate_queues = validate_queues


PEER = Peer(
    tests=("tests",),
    options=("-q", "-p", "no:cacheprovider", "--continue-on-collection-errors", "--timeout=120"),
    attach_everywhere=attach_everywhere,
    needs_redis=True,
    lacking="nothing; what needs Redis over TLS is skipped",
)
