"""Fault 16: events that their reporter can't take. They are dead letters, and no other is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jobreporter import Event, Failure
from jobreporter._stream.decode import decode
from tests.stream_faults.fleet import Fleet, TestAgent, Vendor, assert_complete, execution, executions, ids

SENT = executions(60)
JOBS = [event.job.id for event in SENT[::3]]


def of(*poisoned: str) -> Callable[[Event], bool]:
    """The outcomes of these jobs."""
    return lambda event: event.job.id in poisoned and type(event).__name__ == "Success"


def others_until_dead(fleet: Fleet, agent: TestAgent, dead: int) -> list[Event]:
    """Sends jobs, one a backoff, until as many events are dead letters. Returns their events."""
    producer, sent = fleet.producer(), []
    for number in range(12):
        sent += execution(f"other-{number}")
        producer.send(sent[-3:])
        began = fleet.clock.monotonic()
        agent.until(
            lambda began=began: fleet.clock.monotonic() - began > 35 or fleet.ledger("vendor").dead == dead,
            "a backoff",
        )
        if fleet.ledger("vendor").dead == dead:
            return sent
    raise AssertionError(f"{fleet.ledger('vendor').dead} of {dead} events are dead letters")


@pytest.mark.parametrize("in_flush", [False, True], ids=["in the handler", "in the flush"])
@pytest.mark.parametrize(
    "poisoned",
    [JOBS[:1], JOBS[-1:], [JOBS[10], JOBS[11]], [JOBS[0], JOBS[1], JOBS[2], JOBS[-1]]],
    ids=["first", "last", "two neighbours", "several"],
)
def test_just_the_poison_dies(fleet: Fleet, poisoned: list[str], in_flush: bool) -> None:
    """Wherever it is, and wherever it shows: everything else arrives."""
    vendor = Vendor()
    vendor.poison, vendor.poison_in_flush = of(*poisoned), in_flush
    agent = fleet.agent(vendor=vendor)
    producer = fleet.producer()
    producer.send(SENT)
    # The last one may stand alone: what others come with it is handled before, in a partition of its own.
    sent = [*SENT, *others_until_dead(fleet, agent, len(poisoned))]
    agent.until_settled()
    dead = [f"{job} Success" for job in poisoned]
    assert_complete(vendor.got, [event for event in sent if ids([event])[0] not in dead])
    letters = agent.feeder._stream.dead_letters("vendor")
    assert sorted(f"{decode(each.data).events[0].job.id} Success" for each in letters) == sorted(dead)  # type: ignore[union-attr]
    assert all("ValueError: poison" in each.reason for each in letters)
    ledger = fleet.ledger("vendor")
    assert (ledger.dead, ledger.handled) == (len(dead), len(sent) - len(dead))


def test_alone_it_waits(fleet: Fleet) -> None:
    """Without an event of another job there is nothing to find out, and it may be the vendor. The next one decides."""
    vendor = Vendor()
    vendor.poison = lambda event: event.job.id == "alone"
    agent = fleet.agent(vendor=vendor)
    fleet.producer().send(execution("alone"))
    began = fleet.clock.monotonic()
    agent.until(lambda: fleet.clock.monotonic() - began > 60, "a minute")
    assert fleet.ledger("vendor").pending == 3
    others = others_until_dead(fleet, agent, 3)
    agent.until_settled()
    assert_complete(vendor.got, others)
    assert fleet.ledger("vendor").dead == 3


def test_in_an_outage_it_waits_with_all_others(fleet: Fleet) -> None:
    """The vendor fails at everything; when it is back, just the poison fails on."""
    vendor = Vendor()
    vendor.poison = of(JOBS[5])
    vendor.handler_raises = ConnectionError
    agent = fleet.agent(vendor=vendor)
    fleet.producer().send(SENT)
    began = fleet.clock.monotonic()
    agent.until(lambda: fleet.clock.monotonic() - began > 120, "two minutes")
    assert fleet.ledger("vendor").dead == 0
    vendor.handler_raises = None
    agent.until_settled()
    assert fleet.ledger("vendor").dead == 1


def test_a_kind_that_is_poison_is_compared_with_its_kind(fleet: Fleet) -> None:
    """Failures go to an endpoint that is down, the others don't: nobody is to blame, and the failures wait."""
    vendor = Vendor()
    vendor.poison = lambda event: isinstance(event, Failure)
    agent = fleet.agent(vendor=vendor)
    sent = [event for number in range(6) for event in execution(f"job-{number}", fails=True)]
    fleet.producer().send(sent)
    began = fleet.clock.monotonic()
    agent.until(lambda: fleet.clock.monotonic() - began > 300, "five minutes")
    assert fleet.ledger("vendor").dead == 0
    vendor.poison = lambda event: False
    agent.until_settled()
    assert_complete(vendor.got, sent)
