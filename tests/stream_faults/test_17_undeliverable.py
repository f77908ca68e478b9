"""Fault 17: a reporter says that an event can never be delivered."""

from __future__ import annotations

from tests.stream_faults.fleet import Fleet, Vendor, assert_complete, executions, ids

SENT = executions(30)


def test_it_is_a_dead_letter_at_once(fleet: Fleet) -> None:
    """No crash, no restart, no second try; the reason is the reporter's own words."""
    vendor = Vendor()
    vendor.undeliverable = lambda event: event.job.id in ("job-3", "job-29") and type(event).__name__ != "Started"
    agent = fleet.agent(vendor=vendor)
    fleet.producer().send(SENT)
    agent.until_settled()
    dead = ["job-3 Success", "job-3 Stopped", "job-29 Success", "job-29 Stopped"]
    assert_complete(vendor.got, [event for event in SENT if ids([event])[0] not in dead])
    assert (fleet.ledger("vendor").dead, vendor.starts) == (4, 1)
    letters = agent.feeder._stream.dead_letters("vendor")
    assert {each.reason for each in letters} == {"the vendor refuses it for good"}


def test_it_dies_though_a_flush_before_it_fails(fleet: Fleet) -> None:
    """What it was compared with comes again, and it is dead once."""
    vendor = Vendor()
    vendor.undeliverable = lambda event: event.job.id == "job-3"
    vendor.flush_raises = ConnectionError
    agent = fleet.agent(vendor=vendor)
    fleet.producer().send(SENT)
    agent.until(lambda: vendor.starts > 3, "three crashes")
    vendor.flush_raises = None
    agent.until_settled()
    assert (fleet.ledger("vendor").dead, fleet.ledger("vendor").handled) == (3, len(SENT) - 3)
    assert len(agent.feeder._stream.dead_letters()) == 3


def test_it_needs_no_other_event_to_be_settled(fleet: Fleet) -> None:
    """Nothing is flushed for it, and nothing has to follow it."""
    vendor = Vendor()
    vendor.undeliverable = lambda event: True
    agent = fleet.agent(vendor=vendor)
    fleet.producer().send(SENT[:1])
    agent.until_settled()
    assert fleet.ledger("vendor").dead == 1


def test_its_reason_shows_no_secret(fleet: Fleet) -> None:
    """The reporter's sentence may quote the address that it sends to, and a dead letter is kept for long."""
    vendor = Vendor()
    vendor.undeliverable = lambda event: True
    vendor.refusal = "410 from https://shop:oak7Kestrel@vendor.example/hook?token=elm4Sparrow"
    agent = fleet.agent(vendor=vendor)
    fleet.producer().send(SENT[:1])
    agent.until_settled()
    (letter,) = agent.feeder._stream.dead_letters("vendor")
    assert letter.reason.startswith("410 from https://")
    assert "oak7Kestrel" not in letter.reason
    assert "elm4Sparrow" not in letter.reason
