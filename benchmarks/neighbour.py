"""What a job that computes notices of what goes on beside it: ``python benchmarks/neighbour.py``.

The job counts for a tenth of a second, alone and beside something, in turn.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

from _ours import dispatcher, events
from _peers import batch_span_processors
from _program import Report, run
from _rounds import Measurement, compare, settle_heap
from _row import Row, result
from _subject import Subject, both_lost, nobody, now
from _table import as_figure

from jobreporter.events import Event

# 10,000 events a second.
BURST, INTERVAL = 100, 0.01
ROUNDS = 51
# How far the job counts.
FAR = 2_000_000

# Seconds after which nothing lingers any more.
QUIET = 0.05
# Seconds for which an idle process is watched.
IDLE = 3.0


def main(report: Report) -> None:
    ready = events(10_000)
    alone = "the job alone"
    settle_heap()

    row = Row(number="11", what="a computing job beside an idle dispatcher", peer=alone, goal=1.01)
    report.add(result(row, compare(counting(partial(idle, ready)), counting(nullcontext), ROUNDS)))

    quick, nothing = dispatcher(3, ready), nobody(ready)
    for number, goal, subject in (
        ("11", 1.1, quick),
        ("", None, batch_span_processors(3, 10_000)),
        ("", None, nothing),
    ):
        row = Row(number=number, what=f"the same beside 10,000 a second: {subject.name}", peer=alone, goal=goal)
        comparison = compare(counting(partial(sending, subject)), counting(nullcontext), ROUNDS)
        report.add(result(row, comparison, None if subject is nothing else both_lost(subject, nothing)))
        subject.close()

    with idle(ready):
        used = used_by_the_idle()
    with waiting():
        least = used_by_the_idle()
    report.note(
        f"An idle dispatcher with 10 reporters uses {as_figure(used)} of the processor's time each second; a thread that"
        f" does nothing but wait, a second at a time, {as_figure(least)}."
    )


def used_by_the_idle() -> float:
    """The processor's time that this process uses in a second, in nanoseconds, while nothing happens."""
    before = time.process_time_ns()
    time.sleep(IDLE)
    return (time.process_time_ns() - before) / IDLE


def counting(neighbour: Callable[[], AbstractContextManager[None]]) -> Measurement:
    """What counting takes beside something that goes on."""

    def measure() -> float:
        with neighbour():
            start = now()
            count()
            return now() - start

    return measure


def count() -> None:
    for _ in range(FAR):
        pass


@contextmanager
def idle(ready: list[Event]) -> Iterator[None]:
    """A dispatcher with ten reporters that have handled events, and get no more."""
    subject = dispatcher(10, ready)
    for event in ready[:10]:
        subject.send(event)
    subject.settle()
    time.sleep(QUIET)
    try:
        yield
    finally:
        subject.close()


@contextmanager
def waiting() -> Iterator[None]:
    """A thread that waits for what never comes, a second at a time."""
    never, ends = threading.Lock(), threading.Event()

    def wait() -> None:
        while not ends.is_set():
            never.acquire(timeout=1.0)

    never.acquire()
    thread = threading.Thread(target=wait)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        never.release()
        thread.join()


@contextmanager
def sending(subject: Subject) -> Iterator[None]:
    """A thread that sends for as long as the block lasts."""
    ends = threading.Event()
    thread = threading.Thread(target=send, args=(subject, ends))
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()
        subject.settle()


def send(subject: Subject, ends: threading.Event) -> None:
    begin, bursts = time.perf_counter(), 0
    while not ends.wait(max(begin + bursts * INTERVAL - time.perf_counter(), 0)):
        for item in subject.items[:BURST]:
            subject.send(item)
        bursts += 1
    subject.sent += bursts * BURST


if __name__ == "__main__":
    run(main)
