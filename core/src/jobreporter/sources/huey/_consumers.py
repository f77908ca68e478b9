"""Which of a Huey's consumers and workers live in this process, and which of them have come to their end."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from typing import Any


class Consumers:
    """The consumers that ``huey.create_consumer`` made, and the workers that have told of their start.

    A program may make a consumer past that, of which nothing but its workers is known.
    """

    def __init__(self) -> None:
        self._made: weakref.WeakSet[Any] = weakref.WeakSet()
        self._workers: set[int] = set()

    def made(self, consumer: Any) -> None:
        """It is there, and may be started."""
        self._made.add(consumer)

    def worker_starts(self) -> None:
        """In the worker's own thread or greenlet."""
        self._workers.add(threading.get_ident())

    def worker_stops(self) -> None:
        """As above."""
        self._workers.discard(threading.get_ident())

    def idle(self) -> list[Any]:
        """Those that were asked to stop, or never started."""
        return [consumer for consumer in list(self._made) if not _runs(consumer)]

    def holds(self, ident: int) -> bool:
        """Whether a consumer that goes on has a worker in this thread."""
        return any(ident in set(_idents(consumer)) for consumer in list(self._made) if _runs(consumer))

    def strangers(self) -> bool:
        """Whether a worker lives here that belongs to none of these consumers."""
        known = {ident for consumer in list(self._made) for ident in _idents(consumer)}
        return not self._workers <= known


def _runs(consumer: Any) -> bool:
    return not consumer.stop_flag.is_set() and getattr(consumer.scheduler, "ident", 0) is not None


def _idents(consumer: Any) -> Iterator[int]:
    """What `threading.get_ident` says in each of its workers: a thread's number, or the greenlet itself as a number."""
    for _, worker in consumer.worker_threads:
        ident = getattr(worker, "ident", None)
        yield id(worker) if ident is None else ident
