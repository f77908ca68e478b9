"""Fault 15: the vendor is down for an hour. Nothing is lost, and no event is taken for the culprit."""

from __future__ import annotations

import threading

import pytest

from tests.stream_faults.fleet import Fleet, QuickClock, Vendor, assert_complete, executions

SENT = executions(200)
#: No hook is taken for one that hangs, however busy the machine is.
PATIENT = {"vendor": {"lane": {"timeout": "10d"}}}


@pytest.mark.parametrize("place", ["handler", "flush"])
def test_an_outage_costs_no_event(fleet: Fleet, place: str) -> None:
    """An hour of it, whether the vendor is asked in the handlers or in the flush: 0 dead, 0 lost."""
    fleet.clock = QuickClock(2000)
    vendor = Vendor()
    setattr(vendor, f"{place}_raises", ConnectionError)
    agent = fleet.agent(vendor=vendor, tables=PATIENT)
    fleet.producer().send(SENT)
    began = fleet.clock.monotonic()
    agent.until(lambda: fleet.clock.monotonic() - began > 3600, "an hour")
    assert vendor.got == []
    assert vendor.starts > 20, "it was tried again and again"
    setattr(vendor, f"{place}_raises", None)
    agent.until_settled()
    assert_complete(vendor.got, SENT)
    ledger = fleet.ledger("vendor")
    assert (ledger.handled, ledger.dead) == (len(SENT), 0)


@pytest.mark.parametrize("place", ["on_event", "on_flush"])
def test_a_hang_costs_no_event(fleet: Fleet, place: str) -> None:
    """Whoever hangs is left behind, and the events come again; when the vendor answers, they are all there."""
    vendor, released = Vendor(), threading.Event()
    #: The events that each flush held when it began to hang.
    hung: list[int] = []

    def hangs(given: object) -> None:
        if not released.is_set():
            hung.append(len(given) if isinstance(given, list) else 0)
            released.wait(60)

    setattr(vendor, place, hangs)
    agent = fleet.agent(vendor=vendor, tables={"vendor": {"lane": {"timeout": "20s"}}})
    fleet.producer().send(SENT)
    agent.until(lambda: len(hung) >= 3, "three hangs")
    agent.until(lambda: agent.lanes["vendor"].status == "wedged", "its being wedged")
    assert fleet.ledger("vendor").handled == 0
    released.set()
    agent.until_settled()
    # A flush that was left behind still sends all that it holds: up to all events at first, and fewer each time. What a
    # handler that was left behind still takes goes into a state that nobody flushes.
    assert_complete(vendor.got, SENT, duplicates=sum(hung))
    assert fleet.ledger("vendor").dead == 0
