"""Fault 14: an agent is stopped (SIGSTOP) for longer than its lease, at each of its steps, and goes on afterwards."""

from __future__ import annotations

import pytest

from tests.stream_faults.fleet import Fleet, Vendor, assert_complete, executions

SENT, MORE = executions(40), executions(10, "more")


@pytest.fixture(autouse=True)
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobreporter._agent.holdings.LEASE", 0.3)


@pytest.mark.parametrize("step", ["loaded", "flushed"])
def test_what_it_did_before_counts_no_more(fleet: Fleet, step: str) -> None:
    """Another one has taken over and settled; awake again, it is fenced off, and drops what it has."""
    stopped, other = Vendor(), Vendor()
    lane = {"vendor": {"lane": {"flush_interval": "1d" if step == "loaded" else "1s"}}}
    agent = fleet.agent(vendor=stopped, tables=lane)
    agent.feeder._settle = lambda: False  # type: ignore[method-assign]  # it is stopped before it gets there
    handled: list[object] = []
    stopped.on_event = handled.append
    fleet.producer().send(SENT)
    agent.until(lambda: len(stopped.got if step == "flushed" else handled) == len(SENT), step)
    second = fleet.agent(vendor=other)
    second.until_settled()
    assert_complete(other.got, SENT)
    del agent.feeder._settle
    fleet.producer().send(MORE)
    for _ in range(20):
        agent.turn()
        second.turn()
    agent.stop()
    second.until_settled()
    assert_complete([*stopped.got, *other.got], [*SENT, *MORE], duplicates=len(SENT))
    ledger = fleet.ledger("vendor")
    assert ledger.handled == len(SENT) + len(MORE), "each is counted once"
