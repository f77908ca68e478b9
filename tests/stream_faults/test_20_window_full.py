"""Fault 20: the window is full before the flush interval has passed."""

from __future__ import annotations

from collections import Counter

import pytest

from jobreporter import Event
from jobreporter._stream.partition import partition_of
from jobreporter.testing import make_event, make_job
from tests.stream_faults.fleet import Fleet, Vendor, assert_complete, execution, executions


def test_half_a_window_is_flushed(fleet: Fleet) -> None:
    """By time alone, a reporter that flushes once a day would get one window a day."""
    vendor = Vendor()
    lane = {"capacity": 60, "flush_interval": "1d"}
    agent = fleet.agent(vendor=vendor, tables={"vendor": {"lane": lane}})
    sent = executions(200)
    fleet.producer().send(sent)
    agent.until(lambda: len(vendor.got) >= len(sent) - 30, "nearly all")
    assert max(vendor.flushes) <= 60
    agent.stop()
    ledger = fleet.ledger("vendor")
    assert (ledger.handled, ledger.pending) == (len(vendor.got), len(sent) - len(vendor.got))
    second = fleet.agent(vendor=vendor)
    second.until_settled()
    assert_complete(vendor.got, sent)


def test_every_partition_has_its_turn(fleet: Fleet) -> None:
    """Those that come first fill the window, and go on having more: the last one is as far as they are all the same."""
    fleet.settings["partitions"] = 4
    vendor = Vendor()
    furthest_apart = 0
    arrived = Counter(dict.fromkeys(range(4), 0))

    def compare(events: list[Event]) -> None:
        nonlocal furthest_apart
        arrived.update(partition_of(event.job.id, 4) for event in events)
        furthest_apart = max(furthest_apart, max(arrived.values()) - min(arrived.values()))

    vendor.on_flush = compare
    agent = fleet.agent(vendor=vendor, tables={"vendor": {"lane": {"capacity": 60}}})
    # As many for each partition: the name says which.
    names = [[f"job-{n}" for n in range(1000) if partition_of(f"job-{n}", 4) == number][:100] for number in range(4)]
    sent = [event for each in zip(*names, strict=True) for name in each for event in execution(name)]
    fleet.producer().send(sent)
    agent.until_settled()
    assert_complete(vendor.got, sent)
    # A few turns of the window; where the first ones come first, it is all of the 300 that each partition has.
    assert furthest_apart < 200


@pytest.mark.parametrize("interval", ["1d", "1s"])
def test_a_window_is_full_by_its_bytes_too(fleet: Fleet, interval: str) -> None:
    """Of large events few are in memory, however well they were compressed; a flush comes when half of that is through."""
    text = "the same words again and again " * 600
    vendor = Vendor()
    lane = {"capacity_bytes": "200KB", "flush_interval": interval}
    agent = fleet.agent(vendor=vendor, tables={"vendor": {"lane": lane}})
    sent = [make_event("started", job=make_job(id=f"job-{number}", args=(text,))) for number in range(100)]
    fleet.producer().send(sent, each=3)
    size = len(text)
    most = 0

    def all_but_the_last() -> bool:
        nonlocal most
        windows = agent.lanes["vendor"].windows._windows.values()
        most = max(most, sum(len(chunk.events) for window in windows for chunk in window.chunks))
        return len(vendor.got) >= len(sent) - 12

    agent.until(all_but_the_last, "all but what fills no half of the window")
    assert 0 < most * size < 300_000
    assert max(vendor.flushes) * size < 300_000
    agent.stop()
