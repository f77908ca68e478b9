"""Fault 38: a reporter is behind what the stream keeps."""

from __future__ import annotations

from jobreporter.streams import Retention
from tests.stream_faults.fleet import Fleet, Vendor, assert_ordered, executions


def test_the_gap_is_counted_to_the_event(fleet: Fleet) -> None:
    """Of what has expired nothing arrives any more, and all the rest does."""
    vendor = Vendor()
    vendor.flush_raises = ConnectionError
    agent = fleet.agent(vendor=vendor)
    sent = executions(400)
    fleet.producer().send(sent)
    agent.until(lambda: vendor.starts > 2, "some trouble")
    stream = fleet.stream()
    bound = Retention(max_age=1e6, max_bytes=4000, forget_after=1e6)
    while stream.trim(bound).more:
        pass
    expired = fleet.ledger("vendor").expired
    assert 0 < expired < len(sent)
    vendor.flush_raises = None
    agent.until_settled()
    ledger = fleet.ledger("vendor")
    assert (ledger.expired, ledger.handled) == (expired, len(sent) - expired)
    # What was at hand when it expired was taken all the same, and what follows it comes again.
    assert len(sent) - expired <= len(vendor.got) <= 2 * len(sent) - expired
    assert_ordered(vendor.got, sent)
