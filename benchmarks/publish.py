"""What reporting costs on the job's side, beside its peers: ``python benchmarks/publish.py``.

In a tight stream each side sends for one to four milliseconds. That is shorter than a turn of the interpreter's lock,
so the consumers work afterwards, and the figure is the sender's own path; end_to_end.py has the rest.
"""

from __future__ import annotations

import logging
import queue
import time
import traceback
from functools import partial

from _ours import PATIENCE, dispatcher, events
from _peers import batch_span_processors, celery_signal, queue_handler, simple_queue
from _rounds import Measurement, compare, settle_heap
from _subject import Subject, by_threads, now, sparse, stream
from _table import Row, print_head, print_note, print_row

from jobreporter import Dispatcher
from jobreporter.events import Event

# How many items a side sends in a tight stream.
QUICK, MEDIUM, SLOW = 9_000, 2_000, 300

# The pace at which events come beside a reporter that sleeps: 10,000 a second.
BURST, INTERVAL = 100, 0.01


def main() -> None:
    logging.getLogger("jobreporter").setLevel(logging.CRITICAL)  # the table tells of losses
    ready = events(10_000)
    ours = dispatcher(1, ready)
    bare = simple_queue(ready)
    queued = queue_handler(MEDIUM, queue.Queue(-1))
    queued_simply = queue_handler(MEDIUM, queue.SimpleQueue())
    spans = batch_span_processors(1, QUICK)
    signal = celery_signal(QUICK)
    subjects = [ours, bare, queued, queued_simply, spans, signal]
    settle_heap()
    print_head()

    steady = partial(stream, ours, QUICK)
    show("1. publish, tight stream", ours, bare, steady, partial(stream, bare, QUICK), rounds=101, goal=3.5)
    show("2. publish, tight stream", ours, queued, steady, partial(stream, queued, SLOW), rounds=51, goal=1 / 18)
    show("2. publish, tight stream", ours, queued_simply, steady, partial(stream, queued_simply, SLOW), rounds=51)
    show("2. publish, tight stream", ours, spans, steady, partial(stream, spans, MEDIUM), rounds=51, goal=1 / 4)
    show("2. publish, tight stream", ours, signal, steady, partial(stream, signal, MEDIUM), rounds=51, goal=1 / 8)

    many = dispatcher(10, ready)
    show("3. publish, 10 reporters", many, ours, partial(stream, many, QUICK), steady, rounds=31, goal=1.1)

    # Each event counts with all of its job's bytes, so the default room would be full after 500 of them.
    roomy = {"capacity_bytes": 10**12}
    large = dispatcher(1, events(QUICK // 3, "x" * 100_000), lane=roomy, name="jobreporter, 100 KB jobs")
    small = dispatcher(1, events(QUICK // 3, "x" * 100), lane=roomy, name="jobreporter, 100 B jobs")
    weighed = partial(stream, large, QUICK), partial(stream, small, QUICK)
    show("3. publish, job of 100 KB", large, small, *weighed, rounds=51, goal=1.05)

    rarely = partial(sparse, ours, 100)
    show("4. publish, one event a ms, p50", ours, queued, rarely, partial(sparse, queued, 100), rounds=9, goal=1 / 20)
    show("4. publish, one event a ms, p50", ours, queued_simply, rarely, partial(sparse, queued_simply, 100), rounds=9)

    show_beside_sleeping()

    threads = partial(by_threads, ours, QUICK * 2, 4)
    show("publish, 4 threads", ours, bare, threads, partial(by_threads, bare, QUICK * 2, 4), rounds=51)
    show("publish, 4 threads", ours, queued, threads, partial(by_threads, queued, MEDIUM, 4), rounds=31)

    show_failures()
    print_note("An empty function, called once a ms as in row 4, p50", sparse(nobody(ready), 1_000))
    for subject in (*subjects, many, large, small):
        subject.close()


def show(
    what: str,
    ours: Subject,
    peer: Subject,
    our_measurement: Measurement,
    peer_measurement: Measurement,
    *,
    rounds: int,
    goal: float | None = None,
) -> None:
    comparison = compare(our_measurement, peer_measurement, rounds)
    print_row(Row(what, peer.name, comparison, goal, ours, peer))


def show_beside_sleeping() -> None:
    """One of four reporters sleeps 50 ms over each event; on the other side none of four does."""
    ready = events(20_000)
    beside = dispatcher(3, ready, sleeping=1, name="3 reporters beside one that sleeps")
    undisturbed = dispatcher(4, ready, name="4 reporters, none sleeps")
    for subject in (beside, undisturbed):
        stream(subject, 20_000)
    comparison = compare(partial(paced, beside), partial(paced, undisturbed), rounds=9)
    deadline = time.monotonic() + PATIENCE
    while beside.lost and time.monotonic() < deadline:
        time.sleep(0.01)
    what = "5. publish, one of 4 reporters sleeps, p50"
    print_row(Row(what, undisturbed.name, comparison, 1.5, beside, undisturbed))
    for subject in (beside, undisturbed):
        subject.close()


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
    return sorted(figures)[len(figures) // 2]


def nobody(items: list[Event]) -> Subject:
    """Takes everything, does nothing: what is left is the measuring itself."""
    return Subject("nobody", items, lambda item: None, settle=lambda: None, seen=lambda: 0, close=lambda: None)


def show_failures() -> None:
    """An exception with 20 frames, captured as a job's thread does it."""
    error = raised(20)
    reports = Dispatcher()
    execution = reports.begin("reports.nightly", args=(2026, "a report, in three parts", 2.5))

    def ours() -> float:
        start = now()
        for _ in range(200):
            execution.fail(error)
        return (now() - start) / 200

    def peer() -> float:
        start = now()
        for _ in range(5):
            traceback.format_exception(error)
        return (now() - start) / 5

    comparison = compare(ours, peer, rounds=51)
    print_row(Row("9. capturing a failure, 20 frames", "traceback.format_exception", comparison, 1 / 100))
    reports.close()


def raised(frames: int) -> Exception:
    """An exception that went through so many calls. They alternate: the same line again and again is formatted once."""
    try:
        even(frames - 1)
    except ValueError as error:
        return error
    raise AssertionError


def even(depth: int) -> None:
    if depth <= 1:
        raise ValueError("the report has no third part")
    odd(depth - 1)


def odd(depth: int) -> None:
    if depth <= 1:
        raise ValueError("the report has no third part")
    even(depth - 1)


if __name__ == "__main__":
    main()
