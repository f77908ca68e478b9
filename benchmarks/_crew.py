"""Several processes that append at once, as a worker's children do. They live as long as the crew, and wait for each turn."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from _stream_events import events
from _stream_ours import opened
from _stream_peers import Appender, BareWrite, XaddPipeline

from jobreporter import Event

#: Who appends, by name, made of where to: of a config, a folder, or the URL of a Redis.
SIDES: dict[str, Callable[[str], Appender]] = {
    "ours": lambda where: opened(Path(where)),
    "write": lambda where: BareWrite(Path(where)),
    "xadd": XaddPipeline,
}


class Crew:
    """So many processes, each with so many events, which it appends in batches."""

    def __init__(self, count: int, size: int, batch: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._size = size
        self._pipes: list[Connection[object, float]] = []
        self._processes = []
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, size, batch), daemon=True)
            process.start()
            self._pipes.append(ours)
            self._processes.append(process)

    def take_turn(self, side: str, where: str) -> float:
        """Have all of them append everything. Returns nanoseconds for each event, from the first to the last."""
        for pipe in self._pipes:
            pipe.send((side, where))
        for pipe in self._pipes:
            pipe.recv()  # it is connected
        begin = time.perf_counter()
        for pipe in self._pipes:
            pipe.send(None)
        ends = [pipe.recv() for pipe in self._pipes]
        return (max(ends) - begin) * 1e9 / (self._size * len(self._pipes))

    def close(self) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join()


def _work(pipe: Connection[float, object], size: int, batch: int) -> None:
    ready = events(size // 3 + 1)[:size]
    while True:
        try:
            side, where = pipe.recv()  # type: ignore[misc]  # a pipe carries anything
        except EOFError:
            return
        appender = SIDES[side](where)
        appended(appender, ready[:batch], batch)
        pipe.send(0.0)
        pipe.recv()
        appended(appender, ready, batch)
        pipe.send(time.perf_counter())  # the machine's clock: all processes share it
        appender.close()


def appended(side: Appender, ready: list[Event], batch: int) -> None:
    """Append all of them, so many at a time."""
    for first in range(0, len(ready), batch):
        side.append(ready[first : first + batch])
