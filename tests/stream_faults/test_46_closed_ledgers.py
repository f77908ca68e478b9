"""Fault 46: several kinds of trouble at once. After each of the other faults the fleet checks the ledgers likewise."""

from __future__ import annotations

from collections import Counter

import pytest

from jobreporter.streams import Retention
from tests.stream_faults.fleet import Fleet, Vendor, executions, ids


@pytest.fixture(autouse=True)
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next agent has to wait for a lease's end, which is counted in seconds of the wall."""
    monkeypatch.setattr("jobreporter._agent.holdings.LEASE", 0.3)


def test_46_every_event_is_in_one_column(fleet: Fleet) -> None:
    """Handled, dead, filtered or expired, for each reporter by itself: together they are what was sent."""
    healthy, picky = Vendor(), Vendor()
    picky.undeliverable = lambda event: event.job.id.startswith("odd-")
    tables = {"picky": {"when": {"jobs": ["!hidden"], "events": ["success", "stopped"]}}}
    first = fleet.agent(healthy=healthy, picky=picky, tables=tables)
    sent = [*executions(40), *executions(5, "odd")]
    fleet.producer().send(sent)
    first.until_settled()
    first.kill()

    later = executions(200, "later")
    fleet.producer().send(later)
    stream = fleet.stream()
    while stream.trim(Retention(max_age=1e6, max_bytes=4000, forget_after=1e6)).more:
        fleet.check_ledgers()
    last = executions(10, "last")
    fleet.producer().send(last)
    fleet.agent(healthy=healthy, picky=picky, tables=tables).until_settled()

    total = len(sent) + len(later) + len(last)
    for name, vendor in (("healthy", healthy), ("picky", picky)):
        ledger = fleet.ledger(name)
        assert ledger.expired > 0
        assert ledger.handled + ledger.dead + ledger.filtered + ledger.expired + ledger.unknown == total
        assert ledger.handled == len(vendor.got) == len(Counter(ids(vendor.got)))
    assert fleet.ledger("healthy").dead == fleet.ledger("healthy").filtered == 0
    assert fleet.ledger("picky").dead == 2 * 5
    assert fleet.ledger("picky").filtered >= len(sent) // 3
