"""Fault 22, of a server that throws keys away: what comes afterwards arrives, whichever keys those were."""

from __future__ import annotations

import pytest

from jobreporter._stream.handover import Part, hand_over
from jobreporter.streams import StreamDown
from tests.redis_servers import Server
from tests.stream_faults.fleet import Fleet, Producer, Vendor, assert_complete, executions, have_arrived, ids

redis_plugin = pytest.importorskip("jobreporter_redis")
#: What the parts of a stream are called: what it is, heads, entries, numbers, open executions, signs of life, reporters, ledgers.
PARTS = ("m", "h", "s", "p", "o", "b", "r", "l")
SETS = [*((part,) for part in PARTS), ("h", "s"), ("s", "l"), ("r", "l"), ("h", "l"), PARTS]


def appends(producer: Producer, parts: list[Part]) -> bool:
    """As a worker does it, which tries again."""
    try:
        hand_over(producer.stream, producer.name, parts, noted=lambda _part: None)
    except StreamDown:
        return False
    return True


@pytest.mark.parametrize("parts", SETS, ids="-".join)
def test_22_what_comes_after_an_eviction_arrives(redis_server: Server, parts: tuple[str, ...]) -> None:
    """The policy should have been another, and what was thrown away is lost; but nothing stands still for good."""
    with redis_server.client() as client:
        client.flushall()
        fleet = Fleet(redis_plugin.engine, redis_server.url, partitions=2)
        vendor = Vendor()
        agent = fleet.agent(vendor=vendor)
        producer = fleet.producer()
        producer.send(executions(5, "before"))
        agent.until(lambda: len(vendor.got) == 15, "what came before")
        vendor.flush_raises = ConnectionError
        producer.send(executions(5, "lost"))
        agent.until(lambda: vendor.starts > 1, "some trouble")
        for key in list(client.scan_iter(b"{jr:shop}:*")):
            if key.split(b":")[2].decode() in parts:
                client.delete(key)
        vendor.flush_raises = None
        for _ in range(3):  # somebody has a look, as every few seconds
            fleet.clock.skipped += 5
            agent.turn()
        sent = executions(5, "after")
        for start in range(0, len(sent), 6):
            sending = producer.parts(sent[start : start + 6])
            agent.until(lambda: appends(producer, sending), "room for what comes")  # noqa: B023 - called within the turn
        agent.until(lambda: set(ids(sent)) <= set(ids(vendor.got)), "what came afterwards")
        count = len(vendor.got)
        agent.until_settled()
        for _ in range(30):
            agent.turn()
        assert len(vendor.got) - count <= 45, "the same comes again and again"
        fleet.close()


def evict(server: Server, *parts: str) -> None:
    """Has a server throw away what it should not."""
    with server.client() as client:
        gone = [key for key in client.scan_iter(b"{jr:shop}:*") if key.split(b":")[2].decode() in parts]
        client.delete(*gone)


@pytest.mark.parametrize("count", [2, 5, 12], ids=["fewer", "as many", "more"])
@pytest.mark.parametrize("is_run", [True, False], ids=["an agent runs", "an agent comes later"])
def test_22_offsets_that_begin_anew_pass_nothing_over(redis_server: Server, count: int, is_run: bool) -> None:
    """A partition's head and entries go at once, and what comes stands below, at or beyond where the reporter was."""
    with redis_server.client() as client:
        client.flushall()
    fleet = Fleet(redis_plugin.engine, redis_server.url, partitions=1)
    vendor = Vendor()
    agent = fleet.agent(vendor=vendor)
    producer = fleet.producer()
    producer.send(executions(5, "before"))
    agent.until_settled()
    before = len(vendor.got)
    if not is_run:
        agent.stop()
    evict(redis_server, "h", "s")
    sent = executions(count, "after")
    producer.send(sent, each=3)
    if not is_run:
        agent = fleet.agent(vendor=vendor)
    fleet.clock.skipped += 5  # all that is done now and then is due at once, with trimming
    agent.until(lambda: have_arrived(sent, vendor.got), "what came afterwards")
    assert_complete(vendor.got[before:], sent)
    agent.until_settled()
    ledger = fleet.ledger("vendor")
    assert (ledger.handled, ledger.pending) == (15 + len(sent), 0)
    fleet.close()


def test_22_what_is_kept_for_a_reporter_without_an_agent_is_not_what_it_has_settled_before(
    redis_server: Server,
) -> None:
    """Its position is of offsets that are gone: nothing of the new ones is settled by it."""
    with redis_server.client() as client:
        client.flushall()
    fleet = Fleet(redis_plugin.engine, redis_server.url, partitions=1)
    slow, quick = Vendor(), Vendor()
    first = fleet.agent(slow=slow)
    fleet.producer().send(executions(5, "before"))
    first.until_settled()
    first.stop()
    evict(redis_server, "h", "s")
    sent = executions(3, "after")
    fleet.producer().send(sent, each=3)
    agent = fleet.agent(quick=quick, tables={"quick": {"lane": {"start": "oldest"}}})
    agent.until_settled()
    for _ in range(5):
        fleet.clock.skipped += 5
        agent.turn()
    agent.stop()
    second = fleet.agent(slow=slow)
    second.until_settled()
    assert_complete(slow.got[15:], sent)
    fleet.close()
