"""Fault 13: an agent is killed after it handed events out, after the flush, and after the settlement."""

from __future__ import annotations

import pytest

from tests.stream_faults.fleet import Fleet, Vendor, assert_complete, executions

SENT = executions(40)


@pytest.fixture(autouse=True)
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next agent has to wait for a lease's end, which is counted in seconds of the wall."""
    monkeypatch.setattr("jobreporter._agent.holdings.LEASE", 0.3)


def test_after_handing_out(fleet: Fleet) -> None:
    """Nothing was flushed: the next agent hands it all out, and nothing arrives twice."""
    lane = {"vendor": {"lane": {"flush_interval": "1d"}}}
    vendor = Vendor()
    handled: list[object] = []
    vendor.on_event = handled.append
    agent = fleet.agent(vendor=vendor, tables=lane)
    fleet.producer().send(SENT)
    agent.until(lambda: len(handled) == len(SENT), "handing out")
    agent.kill()
    assert vendor.got == []
    fleet.agent(vendor=vendor).until_settled()
    assert_complete(vendor.got, SENT)


def test_after_the_flush(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was taken and not settled: it comes once more, and no more than that."""
    vendor = Vendor()
    agent = fleet.agent(vendor=vendor)
    monkeypatch.setattr(agent.feeder, "_settle", lambda: False)
    fleet.producer().send(SENT)
    agent.until(lambda: len(vendor.got) == len(SENT), "the flush")
    agent.kill()
    fleet.agent(vendor=vendor).until_settled()
    assert_complete(vendor.got, SENT, duplicates=len(SENT))
    assert fleet.ledger("vendor").handled == len(SENT)


def test_after_the_settlement(fleet: Fleet) -> None:
    """It is settled: nothing comes again."""
    vendor = Vendor()
    agent = fleet.agent(vendor=vendor)
    fleet.producer().send(SENT)
    agent.until_settled()
    agent.kill()
    more = executions(5, "more")
    fleet.producer().send(more)
    fleet.agent(vendor=vendor).until_settled()
    assert_complete(vendor.got, [*SENT, *more])
