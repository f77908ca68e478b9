"""Fault 20: the window is full before the flush interval has passed."""

from __future__ import annotations

from collections import Counter

from jobreporter import Event
from jobreporter._stream.partition import partition_of
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
