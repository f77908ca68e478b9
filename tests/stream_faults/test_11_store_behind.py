"""Fault 11: the store is behind the producer, since it was set back."""

from __future__ import annotations

from tests.stream_faults.fleet import Fleet, Vendor, executions


def test_what_it_lacks_is_counted_and_the_rest_goes_on(fleet: Fleet) -> None:
    """A producer appends in order, so a gap in its numbers is what the store had and has not any more."""
    producer, vendor = fleet.producer(), Vendor()
    agent = fleet.agent(vendor=vendor)
    producer.send(executions(3))
    for partition in list(producer.next):
        producer.next[partition] += 7  # as if these had been acknowledged by a server that forgot them
    before = len(producer.next)
    later = executions(10, "later")
    producer.send(later, each=len(later))
    assert producer.outcome.rolled_back == 7 * before
    agent.until_settled()
    assert len(vendor.got) == 9 + len(later)
