"""Fault 22, of a server that throws keys away: what comes afterwards arrives, whichever keys those were."""

from __future__ import annotations

import pytest

from jobreporter._stream.handover import Part, hand_over
from jobreporter.streams import StreamDown
from tests.redis_servers import Server
from tests.stream_faults.fleet import Fleet, Producer, Vendor, executions, ids

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
