"""What reporting costs on the job's side, beside its peers: ``python benchmarks/publish.py``.

In a tight stream each side sends for one to four milliseconds. That is shorter than a turn of the interpreter's lock,
so the consumers work afterwards, and the figure is the sender's own path; end_to_end.py has the rest.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from functools import partial

from _ours import PATIENCE, dispatcher, events
from _peers import batch_span_processors, celery_signal, queue_handler, simple_queue
from _program import Report, run
from _rounds import compare, settle_heap
from _row import Row, result
from _subject import Subject, both_lost, by_threads, nobody, now, sparse, stream
from _table import as_figure

# How many items a side sends in a tight stream.
QUICK, MEDIUM, SLOW = 9_000, 2_000, 300

# The pace at which events come beside a reporter that sleeps: 10,000 a second.
BURST, INTERVAL = 100, 0.01

# A side and how to measure it.
Side = tuple[Subject, Callable[[Subject], float]]


def main(report: Report) -> None:
    ready = events(10_000)
    ours = dispatcher(1, ready)
    bare = simple_queue(ready)
    queued = queue_handler(MEDIUM, queue.Queue(-1))
    queued_simply = queue_handler(MEDIUM, queue.SimpleQueue())
    spans = batch_span_processors(1, QUICK)
    signal = celery_signal(QUICK)
    many = dispatcher(10, ready)
    # Each event counts with all of its job's bytes, so the default room would be full after 500 of them.
    roomy = {"capacity_bytes": 10**12}
    large = dispatcher(1, events(QUICK // 3, "x" * 100_000), lane=roomy, name="jobreporter, 100 KB jobs")
    small = dispatcher(1, events(QUICK // 3, "x" * 100), lane=roomy, name="jobreporter, 100 B jobs")
    settle_heap()

    def beside(what: str, side: Side, peer: Side, rounds: int, *, number: str = "", goal: float | None = None) -> None:
        (mine, measure), (theirs, measure_peer) = side, peer
        comparison = compare(partial(measure, mine), partial(measure_peer, theirs), rounds)
        row = Row(number=number, what=what, peer=theirs.name, goal=goal)
        report.add(result(row, comparison, both_lost(mine, theirs)))

    quick, medium, slow = (partial(stream, size=size) for size in (QUICK, MEDIUM, SLOW))
    steady = "publish, tight stream"
    beside(steady, (ours, quick), (bare, quick), 101, number="1", goal=3.5)
    beside(steady, (ours, quick), (queued, slow), 51, number="2", goal=1 / 18)
    beside(steady, (ours, quick), (queued_simply, slow), 51)
    beside(steady, (ours, quick), (spans, medium), 51, number="2", goal=1 / 4)
    beside(steady, (ours, quick), (signal, medium), 51, number="2", goal=1 / 8)
    beside("publish, tight stream, 10 reporters", (many, quick), (ours, quick), 31, number="3", goal=1.1)
    beside("publish, tight stream, job of 100 KB", (large, quick), (small, quick), 51, number="3", goal=1.05)

    rarely = partial(sparse, size=100)
    beside("publish, one event a ms, p50", (ours, rarely), (queued, rarely), 9, number="4", goal=1 / 20)
    beside("publish, one event a ms, p50", (ours, rarely), (queued_simply, rarely), 9)

    quick_by_4, medium_by_4 = (partial(by_threads, size=size, count=4) for size in (QUICK * 2, MEDIUM))
    beside("publish, 4 threads", (ours, quick_by_4), (bare, quick_by_4), 51)
    beside("publish, 4 threads", (ours, quick_by_4), (queued, medium_by_4), 31)
    for subject in (ours, bare, queued, queued_simply, spans, signal, many, large, small):
        subject.close()

    more = events(20_000)
    slowed = dispatcher(3, more, sleeping=1, name="3 reporters beside one that sleeps")
    undisturbed = dispatcher(4, more, name="4 reporters, none sleeps")
    for subject in (slowed, undisturbed):
        stream(subject, 20_000)
    what = "publish, 10,000 a second, one of 4 reporters sleeps, p50"
    beside(what, (slowed, paced), (undisturbed, paced), 9, number="5", goal=1.5)
    for subject in (slowed, undisturbed):
        subject.close()

    report.note(f"An empty function, called once a ms as in row 4, takes {as_figure(sparse(nobody(ready), 1_000))}.")


def paced(subject: Subject) -> float:
    """What sending costs at a steady pace: the median of bursts."""
    figures = []
    begin = time.perf_counter()
    for number in range(30):
        time.sleep(max(begin + number * INTERVAL - time.perf_counter(), 0))
        items, send = subject.items[number * BURST : (number + 1) * BURST], subject.send
        start = now()
        for item in items:
            send(item)
        figures.append((now() - start) / BURST)
    subject.sent += BURST * len(figures)
    subject.settle()
    # The reporter that sleeps is not waited for; those beside it are.
    deadline = time.monotonic() + PATIENCE
    while subject.lost and time.monotonic() < deadline:
        time.sleep(0.01)
    return sorted(figures)[len(figures) // 2]


if __name__ == "__main__":
    run(main)
