"""Fault 19: a limit on events, and flushes that fail."""

from __future__ import annotations

from tests.stream_faults.fleet import Fleet, Vendor, executions


def test_what_comes_again_has_passed_already(fleet: Fleet) -> None:
    """The filter is asked once for each event: the ten that pass arrive, however often they are handed out."""
    vendor = Vendor()
    vendor.flush_raises = ConnectionError
    agent = fleet.agent(vendor=vendor, tables={"vendor": {"when": {"max_per_minute": 10}}})
    fleet.producer().send(executions(20))
    agent.until(lambda: vendor.starts > 4, "four crashes")
    vendor.flush_raises = None
    agent.until_settled()
    ledger = fleet.ledger("vendor")
    assert (len(vendor.got), ledger.handled, ledger.filtered) == (10, 10, 50)
