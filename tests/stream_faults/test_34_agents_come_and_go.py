"""Faults 34 to 37: agents join, leave and die; a reporter is broken on one; a reporter is added or removed."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable

import pytest

from jobreporter.streams import StreamDown
from tests.stream_faults.fleet import (
    PATIENCE,
    Fleet,
    QuickClock,
    TestAgent,
    Vendor,
    assert_complete,
    execution,
    executions,
)

SHARE = {"vendor": {"lane": {"agents": "share"}}}


@pytest.fixture(autouse=True)
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobreporter._agent.holdings.LEASE", 0.3)


def go_on(agents: list[TestAgent], count: int = 40) -> None:
    for _ in range(count):
        for agent in agents:
            agent.turn()
            agent.feeder.wait(0.005)


def until(agents: list[TestAgent], condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        go_on(agents, 1)


def test_34_three_agents_join_leave_and_die(fleet: Fleet) -> None:
    """Each event arrives, those of a job in order, with no more duplicates than what was at hand."""
    fleet.settings["partitions"] = 4
    vendor = Vendor()
    producer = fleet.producer()
    sent = executions(30, "first")
    producer.send(sent)
    agents = [fleet.agent(vendor=vendor, tables=SHARE)]
    go_on(agents)
    agents.append(fleet.agent(vendor=vendor, tables=SHARE))
    agents.append(fleet.agent(vendor=vendor, tables=SHARE))
    more = executions(60, "second")
    producer.send(more)
    go_on(agents)
    assert sum(bool(agent.feeder._holdings.partitions) for agent in agents) > 1, "they share"
    agents.pop(0).stop()
    more += executions(30, "third")
    producer.send(more[len(more) - 90 :])
    go_on(agents, 10)
    agents.pop(0).kill()
    more += executions(30, "fourth")
    producer.send(more[len(more) - 90 :])
    agents[0].until_settled()
    everything = sent + more
    assert_complete(vendor.got, everything, duplicates=90)
    assert fleet.ledger("vendor").handled == len(everything)


def test_34_a_dead_agents_work_goes_on_once_its_lease_has_run_out(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten seconds, and the one in which the others look again: they don't wait for the time of their next renewal."""
    monkeypatch.setattr("jobreporter._agent.holdings.LEASE", 0.0)  # it is by the machine's time, which isn't stepped
    fleet.clock = QuickClock(1.0)
    agents = [fleet.agent(vendor=Vendor()), fleet.agent(vendor=Vendor())]
    for _ in range(4):
        for agent in agents:
            agent.turn()
        fleet.clock.skipped += 4
    (first,) = (agent for agent in agents if agent.feeder._holdings.partitions)
    (second,) = (agent for agent in agents if agent is not first)
    first.turn()
    second.turn()
    first.kill()
    seconds = 0
    while not second.feeder._holdings.partitions and seconds < 60:
        fleet.clock.skipped += 1
        seconds += 1
        second.turn()
    assert seconds <= 11


def is_the_firsts(first: TestAgent, second: TestAgent) -> bool:
    """Whether the first of two agents has the reporter as long as it is in order on both."""
    owners = sorted((first.agent._owner, second.agent._owner))
    return owners[zlib.crc32(b"vendor") % 2] == first.agent._owner


def test_35_where_a_reporter_is_broken_its_share_is_given_up(fleet: Fleet) -> None:
    """After a minute, to an agent where it isn't; as long as it is broken everywhere, nobody gives it up."""
    vendor, broken = Vendor(), Vendor()
    broken.handler_raises = ConnectionError
    first = fleet.agent(vendor=broken)
    producer = fleet.producer()
    producer.send(executions(5))
    began = fleet.clock.monotonic()
    first.until(lambda: fleet.clock.monotonic() - began > 130, "two minutes of trouble")
    assert first.feeder._holdings.partitions, "there is nobody else"
    second = fleet.agent(vendor=vendor)
    while not is_the_firsts(first, second):
        second.kill()
        second = fleet.agent(vendor=vendor)
    for _ in range(600):
        go_on([first, second], 1)
        if len(vendor.got) >= 15:
            break
    assert_complete(vendor.got, executions(5))


@pytest.mark.parametrize("call", ["read", "settle"])
def test_35_an_agent_that_lives_and_gets_nothing_done_gives_its_share_up(fleet: Fleet, call: str) -> None:
    """A fault of its engine's own ends every turn, though it gives signs of life. It comes back much later, to try again."""
    vendor = Vendor()
    agents = [fleet.agent(vendor=vendor), fleet.agent(vendor=vendor)]
    go_on(agents, 20)
    (faulty,) = (agent for agent in agents if agent.feeder._holdings.partitions)
    (sound,) = (agent for agent in agents if agent is not faulty)

    def raises(*_: object) -> None:
        raise KeyError("an engine's own")

    setattr(faulty.feeder._stream, call, raises)
    sent = executions(5)
    fleet.producer().send(sent)
    faulty.turn()
    fleet.clock.skipped += 61
    until(
        agents,
        lambda: sound.feeder._holdings.partitions and all(each.pending == 0 for each in sound.feeder._stream.ledgers()),
    )
    assert_complete(vendor.got, sent, duplicates=15)
    assert not faulty.feeder._holdings.partitions
    delattr(faulty.feeder._stream, call)
    fleet.clock.skipped += 700
    until(agents, lambda: faulty.feeder._holdings.partitions and not sound.feeder._holdings.partitions)


def test_35_a_stream_that_is_down_makes_no_agent_give_its_share_up(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For everybody, for two minutes: who could not give a sign of life is not out of order afterwards."""
    agents = [fleet.agent(vendor=Vendor()), fleet.agent(vendor=Vendor())]
    go_on(agents, 20)
    (first,) = (agent for agent in agents if agent.feeder._holdings.partitions)

    def down(*_: object) -> None:
        raise StreamDown("away")

    with monkeypatch.context() as context:
        for name in ("beat", "read", "ledgers", "wait"):
            context.setattr(first.feeder._stream, name, down, raising=False)
        began = fleet.clock.monotonic()
        while fleet.clock.monotonic() < began + 130:
            first.turn()
    first.turn()
    assert not first.feeder._standing.is_broken


def test_36_an_agent_that_is_told_to_end_leaves_no_duplicate(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """It flushes, settles and gives its leases up: the next one goes on at once, however long they would have lasted."""
    monkeypatch.setattr("jobreporter._agent.holdings.LEASE", 600.0)
    vendor = Vendor()
    producer = fleet.producer()
    sent = executions(50)
    producer.send(sent)
    for number in range(5):
        agent = fleet.agent(vendor=vendor, tables={"vendor": {"lane": {"capacity": 30}}})
        agent.until(lambda number=number: len(vendor.got) > 30 * number, "some of it")
        agent.stop()
    fleet.agent(vendor=vendor).until_settled()
    assert_complete(vendor.got, sent)


def test_37_a_reporter_that_is_new_begins_now(fleet: Fleet) -> None:
    """Or at the oldest entry, as its lane says; one that is gone holds nothing up for ever."""
    old, new, thorough = Vendor(), Vendor(), Vendor()
    producer = fleet.producer()
    producer.send(executions(10))
    agent = fleet.agent(old=old)
    agent.turn()
    agent.stop()
    tables = {"thorough": {"lane": {"start": "oldest"}}}
    second = fleet.agent(new=new, thorough=thorough, tables=tables)
    second.turn()
    later = execution("later")
    producer.send(later)
    second.until_settled()
    assert_complete(new.got, later)
    assert_complete(thorough.got, [*executions(10), *later])
    assert fleet.ledger("old").pending > 0
    second.stop()
    assert fleet.stream().forget("old")
    assert {each.reporter for each in fleet.stream().ledgers()} == {"new", "thorough"}
