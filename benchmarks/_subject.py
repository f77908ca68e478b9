"""Whatever takes events on one thread and has them consumed, on others or at once; and the ways to send to it."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

now = time.perf_counter_ns

# Seconds that follow each measurement: threads that it woke go back to sleep.
PAUSE = 0.005


@dataclass
class Subject:
    """One side of a comparison.

    items: what is sent, ready made. send: takes one item. settle: returns once the consumers have had all that was sent.
    seen: how many items the consumers counted, all of them together. consumers: how many each item goes to.
    """

    name: str
    items: Sequence[Any]
    send: Callable[[Any], object]
    settle: Callable[[], object]
    seen: Callable[[], int]
    close: Callable[[], object]
    consumers: int = 1
    sent: int = 0
    accounted: tuple[int, int] = (0, 0)

    @property
    def lost(self) -> int:
        """Items that a consumer should have seen and did not."""
        return self.sent * self.consumers - self.seen()

    def account(self) -> tuple[int, int]:
        """How many items should have been seen, and how many were lost, since this was last asked."""
        before, self.accounted = self.accounted, (self.sent * self.consumers, self.lost)
        return self.accounted[0] - before[0], self.accounted[1] - before[1]


def stream(subject: Subject, size: int) -> float:
    """What sending costs the sender in a tight stream."""
    items, send = subject.items[:size], subject.send
    start = now()
    for item in items:
        send(item)
    end = now()
    _settle(subject, size)
    return (end - start) / size


def end_to_end(subject: Subject, size: int) -> float:
    """What it takes from the first item sent to the last one consumed."""
    items, send = subject.items[:size], subject.send
    start = now()
    for item in items:
        send(item)
    subject.sent += size
    subject.settle()
    end = now()
    time.sleep(PAUSE)
    return (end - start) / size


def sparse(subject: Subject, size: int) -> float:
    """What sending costs when the consumers have gone to sleep in between: one item a millisecond, the median.

    After a sleep nothing is in the processor's caches. Whatever belongs to the measuring is fetched in advance, and the
    item too, since a sender has just made it: that is not the sending's to pay.
    """
    figures, send = [], subject.send
    for item in subject.items[:size]:
        time.sleep(0.001)
        take_nothing(item)
        now()
        start = now()
        send(item)
        end = now()
        figures.append(end - start)
    _settle(subject, size)
    return statistics.median(figures)


def by_threads(subject: Subject, size: int, count: int) -> float:
    """What sending costs when several threads do it at once: from the first item sent to the last."""
    send, share = subject.send, size // count
    ready = threading.Barrier(count)
    times: list[tuple[int, int]] = []

    def publish(items: Sequence[Any]) -> None:
        ready.wait()
        start = now()
        for item in items:
            send(item)
        times.append((start, now()))

    parts = [subject.items[share * number : share * (number + 1)] for number in range(count)]
    threads = [threading.Thread(target=publish, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _settle(subject, share * count)
    return (max(end for _, end in times) - min(start for start, _ in times)) / (share * count)


def _settle(subject: Subject, sent: int) -> None:
    subject.sent += sent
    subject.settle()
    time.sleep(PAUSE)


def take_nothing(_item: object) -> None:
    """A consumer that isn't there."""


def nobody(items: Sequence[Any]) -> Subject:
    """Takes everything, does nothing: what is left is the measuring itself."""
    return Subject("nobody", items, take_nothing, settle=lambda: None, seen=lambda: 0, close=lambda: None)


def both_lost(ours: Subject, peer: Subject) -> str:
    """What consumers did not get of what was sent since this was last asked."""
    told = []
    for side, subject in (("ours", ours), ("peer's", peer)):
        sent, lost = subject.account()
        if lost:
            told.append(f"{side}: {lost:,} of {sent:,}")
    return "; ".join(told) or "none"
