"""What an event that waits takes, beyond the event itself: ``python benchmarks/memory.py``."""

from __future__ import annotations

import gc
import threading
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

from _ours import PATIENCE, events
from _peers import batch_span_processors
from _program import Report, run
from _rounds import compare
from _row import Row, result

from jobreporter import Dispatcher, Job, hookimpl

REPORTERS = 10
# Events that wait. The default room holds 10,000; it is made to hold all of these.
WAITING = 30_000


class Stuck:
    """A reporter that doesn't get on before it is told to."""

    def __init__(self, goes_on: threading.Event) -> None:
        self.goes_on = goes_on
        self.reached = threading.Event()

    @hookimpl
    def handle_started(self, job: Job) -> None:
        """Hang."""
        self.reached.set()
        self.goes_on.wait()


def main(report: Report) -> None:
    row = Row(
        number="10",
        what=f"a waiting event beyond the event itself, {REPORTERS} reporters",
        peer=f"BatchSpanProcessor, {REPORTERS}",
        goal=9,
        judged="ours",
        unit="bytes",
    )
    report.add(result(row, compare(ours, peer, 3)))


def ours() -> float:
    goes_on = threading.Event()
    reporters = {f"stuck-{number}": Stuck(goes_on) for number in range(REPORTERS)}
    ready = events(WAITING // 3 + 1)
    lane = {"capacity": 2 * WAITING, "capacity_bytes": 10**12, "timeout": PATIENCE * 10}
    dispatcher = Dispatcher(reporters, config={"reporters": {name: {"lane": lane} for name in reporters}})
    dispatcher.publish(ready[0])
    for reporter in reporters.values():
        assert reporter.reached.wait(PATIENCE)

    def arrived() -> bool:
        return all(lane.buffer.waiting == WAITING for lane in dispatcher._runtime.lanes)

    try:
        return grown(dispatcher.publish, ready[1 : WAITING + 1], arrived)
    finally:
        goes_on.set()
        dispatcher.close(PATIENCE)


def peer() -> float:
    """The same with spans, whose exporters are stuck."""
    goes_on = threading.Event()
    spans = batch_span_processors(REPORTERS, WAITING, goes_on)
    try:
        return grown(spans.send, spans.items, lambda: True)
    finally:
        goes_on.set()
        spans.close()


def grown(send: Callable[[Any], object], items: Sequence[Any], arrived: Callable[[], bool]) -> float:
    """How much more memory Python's allocator has given away for each event, once all of them wait."""
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for item in items:
            send(item)
        pause = threading.Event()
        while not arrived():
            pause.wait(0.01)
        gc.collect()
        return (tracemalloc.get_traced_memory()[0] - before) / WAITING
    finally:
        tracemalloc.stop()


if __name__ == "__main__":
    run(main)
