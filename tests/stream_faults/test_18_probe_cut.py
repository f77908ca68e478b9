"""Fault 18: after a backoff, a flush follows the first event, and cuts a probe in two."""

from __future__ import annotations

from jobreporter import Event, Failure
from tests.stream_faults.fleet import Fleet, Vendor, execution


def test_half_a_probe_proves_nothing(fleet: Fleet) -> None:
    """The beginning of another execution goes well and is flushed; what counts is the failure that comes after it."""
    vendor = Vendor()
    vendor.poison = lambda event: isinstance(event, Failure)
    agent = fleet.agent(vendor=vendor)
    fleet.producer().send([event for number in range(3) for event in execution(f"job-{number}", fails=True)])
    began = fleet.clock.monotonic()
    agent.until(lambda: fleet.clock.monotonic() - began > 300, "five minutes")
    assert fleet.ledger("vendor").dead == 0, "all failures fail: nobody is to blame"

    def one_of_them(event: Event) -> bool:
        return isinstance(event, Failure) and event.job.id == "job-0"

    vendor.poison = one_of_them
    agent.until_settled()
    assert fleet.ledger("vendor").dead == 1
