"""Fault 22 without an append-only file: the server comes back empty, or is emptied, under those who work with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobreporter.streams.sqlite import engine as sqlite
from tests.redis_servers import Server
from tests.stream_faults.fleet import Fleet, Vendor, assert_complete, execution, executions, have_arrived

redis_plugin = pytest.importorskip("jobreporter_redis")


@pytest.fixture(params=["redis", "valkey"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    server = Server(request.param, tmp_path / "server")
    yield server
    server.close()


@pytest.mark.parametrize("how", ["restarted", "flushed"])
@pytest.mark.parametrize("open_at_the_time", [False, True])
def test_22_a_server_that_forgot_everything_is_used_on(server: Server, how: str, open_at_the_time: bool) -> None:
    """What was in it is lost and counted where somebody knows of it; what comes is handed out, by the same agent."""
    fleet = Fleet(redis_plugin.engine, server.url, timeout=2.0)
    vendor = Vendor()
    producer = fleet.producer()
    before, after = executions(5, "before"), executions(5, "after")
    producer.send(before)
    if open_at_the_time:
        producer.send(execution("open", end=False))
    agent = fleet.agent(vendor=vendor)
    agent.until_settled()
    if how == "restarted":
        server.kill()
        agent.turn()
        server.start()
    else:
        with server.client() as client:
            client.flushall()
    agent.turn()
    producer.stream.partitions  # noqa: B018 - it connects again
    producer.send(after)
    agent.until(lambda: have_arrived(after, vendor.got), "what comes after")
    assert_complete(vendor.got[len(before) + open_at_the_time :], after, duplicates=len(after))
    assert producer.outcome.rolled_back > 0
    agent.until_settled()
    ledger = fleet.ledger("vendor")
    assert (ledger.handled, ledger.pending) == (len(after), 0)
    assert fleet.stream().identity == agent.feeder._stream.identity, "it is one stream again, for all"
    fleet.close()


@pytest.mark.parametrize("replaced", [False, True], ids=["removed", "replaced"])
@pytest.mark.parametrize("with_what_is_beside_it", [False, True])
def test_22_a_database_that_is_taken_away_is_begun_anew(
    tmp_path: Path, replaced: bool, with_what_is_beside_it: bool
) -> None:
    """Under an agent that works with it: what comes goes where whoever opens it next finds it, and is handed out."""
    path = tmp_path / "stream.db"
    fleet = Fleet(sqlite, f"sqlite://{path}")
    vendor = Vendor()
    producer = fleet.producer()
    producer.send(executions(5, "before"))
    agent = fleet.agent(vendor=vendor)
    agent.until_settled()
    for each in [path, *tmp_path.glob("stream.db-*")] if with_what_is_beside_it else [path]:
        each.unlink()
    if replaced:
        fleet.stream()
    agent.turn()
    after = executions(5, "after")
    producer.send(after)
    agent.until(lambda: have_arrived(after, vendor.got), "what comes after")
    assert_complete(vendor.got[15:], after, duplicates=len(after))
    agent.until_settled()
    ledger = fleet.ledger("vendor")
    assert (ledger.handled, ledger.pending) == (len(after), 0)
    assert fleet.stream().identity == agent.feeder._stream.identity
    fleet.close()


def test_22_a_reporter_that_somebody_forgot_begins_anew(server: Server) -> None:
    """While the agent that runs it was paused for longer than its lease."""
    fleet = Fleet(redis_plugin.engine, server.url, timeout=2.0)
    vendor = Vendor()
    producer = fleet.producer()
    producer.send(executions(3))
    agent = fleet.agent(vendor=vendor)
    agent.until_settled()
    with server.client() as client:
        for key in client.scan_iter("*:l:*"):
            client.hset(key, "deadline", 1)
    assert fleet.stream().forget("vendor")
    fleet.clock.skipped += 60
    agent.until(lambda: fleet.stream().ledgers(), "registering")
    after = executions(3, "after")
    producer.send(after)
    agent.until_settled()
    assert_complete(vendor.got[9:], after, duplicates=9)
    fleet.close()


def test_22_an_engines_own_fault_does_not_end_an_agent(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told, and tried again."""
    fleet = Fleet(redis_plugin.engine, server.url, timeout=2.0)
    vendor = Vendor()
    agent = fleet.agent(vendor=vendor)
    agent.turn()

    def broken() -> None:
        raise KeyError("an engine's own")

    monkeypatch.setattr(agent.feeder._stream, "beats", broken)
    fleet.clock.skipped += 60
    agent.turn()
    assert "KeyError" in str(agent.feeder.trouble)
    monkeypatch.undo()
    sent = executions(3)
    fleet.producer().send(sent)
    agent.until_settled()
    assert_complete(vendor.got, sent)
    fleet.close()


@pytest.mark.parametrize("engine", ["sqlite", "redis"])
def test_22_the_second_agent_to_notice_passes_nothing_over(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """It runs other reporters. To the stream that was begun anew they are new, and to the agent they aren't."""
    path = tmp_path / "stream.db"
    server = Server("redis", tmp_path / "server") if engine == "redis" else None
    if server is not None:
        request.addfinalizer(server.close)
    fleet = Fleet(sqlite, f"sqlite://{path}") if server is None else Fleet(redis_plugin.engine, server.url)
    one, other = Vendor(), Vendor()
    agents = fleet.agent(one=one), fleet.agent(other=other)
    producer = fleet.producer()
    producer.send(executions(2, "before"))
    for agent in agents:
        agent.until_settled()
    if server is None:
        path.unlink()
    else:
        with server.client() as client:
            client.flushall()
    fleet.clock.skipped += 5
    agents[0].turn()
    after = executions(5, "after")
    producer.send(after)
    for agent, vendor in zip(agents, (one, other), strict=True):
        fleet.clock.skipped += 5
        agent.until(lambda got=vendor.got: have_arrived(after, got), "what came afterwards")  # type: ignore[misc]
    fleet.close()
