"""Garbage whose finalizer publishes, wherever the collector happens to run."""

from __future__ import annotations

import itertools
import os

from jobreporter import Dispatcher
from jobreporter.testing import make_event, make_job

from .notes import PerProcess, Sent

_numbers = itertools.count()


class Litter:
    """Part of a cycle, so that it is finalized by the garbage collector, in the middle of anything."""

    def __init__(self, dispatcher: Dispatcher, sent: PerProcess[Sent], dropped_by: str) -> None:
        self._dispatcher = dispatcher
        self._sent = sent
        self._dropped_by = dropped_by
        self._itself = self

    @classmethod
    def drop(cls, dispatcher: Dispatcher, sent: PerProcess[Sent], dropped_by: str) -> None:
        """Leave a piece lying about."""
        cls(dispatcher, sent, dropped_by)

    def __del__(self) -> None:
        number = next(_numbers)  # each piece is a publisher of its own: nothing orders them
        job = make_job(id=f"{os.getpid()}/litter-{self._dropped_by}-{number}/0")
        self._dispatcher.publish(make_event("started", job=job))
        self._sent().littered.append("started")
