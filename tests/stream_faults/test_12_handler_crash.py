"""Fault 12: a handler crashes after some events that were not flushed."""

from __future__ import annotations

import pytest

from jobreporter import Event
from tests.stream_faults.fleet import Fleet, Vendor, assert_complete, executions, ids

SENT = executions(20)


@pytest.mark.parametrize("count", [0, 1, 7, 59])
def test_what_was_handled_before_a_crash_is_flushed_first(fleet: Fleet, count: int) -> None:
    """It doesn't die with the state, and it doesn't come a second time."""
    vendor = Vendor()
    seen: list[Event] = []

    def crashes_once(event: Event) -> None:
        seen.append(event)
        if len(seen) == count + 1:
            raise ValueError("once")

    vendor.on_event = crashes_once
    agent = fleet.agent(vendor=vendor)
    fleet.producer().send(SENT)
    agent.until_settled()
    assert_complete(vendor.got, SENT)
    assert len(seen) == len(SENT) + 1, "but for the one that it crashed at, each is handled once"
    assert vendor.starts == 2
    ledger = fleet.ledger("vendor")
    assert (ledger.handled, ledger.dead) == (len(SENT), 0)


def test_where_that_flush_fails_too_they_come_again(fleet: Fleet) -> None:
    """From the first that was not flushed, in order."""
    vendor = Vendor()
    seen: list[Event] = []

    def crashes_once(event: Event) -> None:
        seen.append(event)
        if len(seen) == 10:
            vendor.flush_raises = ConnectionError
            raise ValueError("once")
        if len(seen) == 11:
            vendor.flush_raises = None

    vendor.on_event = crashes_once
    agent = fleet.agent(vendor=vendor)
    fleet.producer().send(SENT)
    agent.until_settled()
    assert_complete(vendor.got, SENT)
    assert len(seen) > len(SENT)


def test_a_reporter_without_a_flush_gets_nothing_twice(fleet: Fleet) -> None:
    """What its handlers took is settled, whatever comes after."""
    from jobreporter import Started, hookimpl

    class Plain:
        got: list[Event] = []  # noqa: RUF012 - all of its instances, one after the other, share it
        crashed = False

        @hookimpl
        def handle_started(self, meta: Started) -> None:
            if len(self.got) == 10 and not Plain.crashed:
                Plain.crashed = True
                raise ValueError("once")
            self.got.append(meta)

    agent = fleet.agent(plain=Plain)
    fleet.producer().send(SENT)
    agent.until_settled()
    assert sorted(ids(Plain.got)) == sorted(each for each in ids(SENT) if each.endswith("Started"))
    ledger = fleet.ledger("plain")
    assert (ledger.handled, ledger.filtered) == (20, 40)
    Plain.got.clear()
    Plain.crashed = False
