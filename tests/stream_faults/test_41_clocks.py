"""Faults 41 and 42: a clock is set by a day, or the machine restarts, while events are on their way."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from jobreporter._agent.sweeper import EVERY, Sweeper
from jobreporter.streams import Retention, Settlement, Trimmed, _machine
from jobreporter.streams._machine import Moment
from jobreporter.streams.sqlite import engine as sqlite
from jobreporter.testing import SteppedClock
from tests.redis_servers import Server
from tests.stream_faults.fleet import Fleet, Vendor, assert_complete, execution, executions

DAY = 86_400.0
#: What is kept by default.
WEEK = Retention(max_age=7 * DAY, max_bytes=256_000_000, forget_after=7 * DAY)

SetBy = Callable[[float], None]


@pytest.fixture
def set_by(fleet: Fleet, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> SetBy:
    """Sets the clock that a stream goes by, by so many seconds."""
    system = time.time

    def of_the_machine(seconds: float) -> None:
        monkeypatch.setattr(time, "time", lambda: system() + seconds)
        monkeypatch.setattr(type(fleet.clock), "time", staticmethod(lambda: system() + seconds))

    def of_the_server(seconds: float) -> None:
        # Nobody sets a server's clock: all that it has noted is from so much earlier then.
        server: Server = request.getfixturevalue("redis_server")
        with server.client() as client:
            age(client, round(seconds * 1000))

    return of_the_machine if fleet.url.startswith("sqlite") else of_the_server


def age(client: redis.Redis, by: int) -> None:
    """Every time that is noted, but for those in the ids of entries, which don't change."""
    for key in list(client.scan_iter(b"{jr:shop}:*")):
        part = key.split(b":")[2]
        if part == b"r":
            for name, at in client.hgetall(key).items():  # type: ignore[union-attr]  # no coroutine
                client.hset(key, name, int(at) - by)
        elif part == b"b":
            for name, value in client.hgetall(key).items():  # type: ignore[union-attr]  # no coroutine
                counter, at, said = value.split(b" ", 2)
                client.hset(key, name, b"%s %d %s" % (counter, int(at) - by, said))
        elif part == b"l" and (deadline := client.hget(key, "deadline")):
            client.hset(key, "deadline", int(deadline) - by)  # type: ignore[arg-type]  # no coroutine
        elif part == b"t":
            for name, at in client.zrange(key, 0, -1, withscores=True):  # type: ignore[union-attr]  # no coroutine
                client.zadd(key, {name: at - by})


@pytest.mark.parametrize("shift", [-DAY, DAY])
def test_41_nothing_is_lost_and_nothing_expires(fleet: Fleet, set_by: SetBy, shift: float) -> None:
    """In the middle of a backlog, with an agent that holds its leases, and another one after it."""
    vendor = Vendor()
    vendor.flush_raises = ConnectionError
    sent = executions(60)
    producer = fleet.producer()
    producer.send(sent[:90])
    agent = fleet.agent(vendor=vendor, retention=WEEK)
    agent.until(lambda: vendor.starts > 1, "some trouble")
    set_by(shift)
    vendor.flush_raises = None
    producer.send(sent[90:])
    agent.until_settled()
    stream = fleet.stream()
    assert stream.trim(WEEK).expired == {}
    assert_complete(vendor.got, sent, duplicates=len(sent))
    ledger = fleet.ledger("vendor")
    assert (ledger.handled, ledger.expired, ledger.dead) == (len(sent), 0, 0)
    agent.kill()
    more = executions(5, "more")
    producer.send(more)
    other = fleet.agent(vendor=vendor, retention=WEEK)
    fleet.clock.skipped += 30
    other.until_settled()
    assert_complete(vendor.got[-len(more) :], more)


@pytest.mark.parametrize("by", [DAY, 20_000 * DAY])
def test_41_a_clock_that_is_set_right_after_the_start_lets_nothing_expire(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: float
) -> None:
    """A machine without a battery learns the time with the network: what waits for that seems older than is kept."""
    fleet = Fleet(sqlite, f"sqlite://{tmp_path}/stream.db")
    hour = Retention(max_age=3600, max_bytes=256_000_000, forget_after=3600)
    system = time.time
    set_by = -by

    def now() -> float:
        return system() + set_by

    monkeypatch.setattr(time, "time", now)
    monkeypatch.setattr(type(fleet.clock), "time", staticmethod(now))
    vendor = Vendor()
    vendor.flush_raises = ConnectionError
    sent = executions(20)
    producer = fleet.producer()
    producer.send(sent)
    agent = fleet.agent(vendor=vendor, retention=hour)
    agent.until(lambda: vendor.starts > 1, "some trouble")
    set_by = 0.0
    trims = 0
    trim = agent.feeder._stream.trim

    def counted(retention: Retention, *, most: int = 1000) -> Trimmed:
        nonlocal trims
        trims += 1
        return trim(retention, most=most)

    monkeypatch.setattr(agent.feeder._stream, "trim", counted)
    agent.until(lambda: trims > 2, "a few looks at what is too old")
    vendor.flush_raises = None
    agent.until_settled()
    assert_complete(vendor.got, sent, duplicates=len(sent))
    assert fleet.ledger("vendor").expired == 0
    fleet.close()


@pytest.mark.parametrize("shift", [-DAY, DAY])
def test_41_a_held_lease_is_kept_or_given_anew(fleet: Fleet, set_by: SetBy, shift: float) -> None:
    """Whichever it is, one agent has it and the other is fenced off; nobody waits for a day."""
    stream = fleet.stream()
    stream.register({"log": "oldest"})
    lease = stream.acquire("log", 0, b"before", 10)
    assert lease is not None
    set_by(shift)
    taken = stream.acquire("log", 0, b"after", 10)
    assert stream.renew([lease], 10) == (taken is None,)
    if taken is None:
        stream.release(lease)
        taken = stream.acquire("log", 0, b"after", 10)
    assert taken is not None
    assert taken.fence == lease.fence + 1


@pytest.mark.parametrize("shift", [-DAY, DAY])
def test_41_no_worker_is_taken_for_lost(fleet: Fleet, set_by: SetBy, shift: float) -> None:
    """Silence is measured by nobody's wall clock: one that lives stays alive, one that died is found when it is due."""
    clock = SteppedClock()
    producer = fleet.producer()
    producer.send(execution("job", end=False))
    sweeper = Sweeper(fleet.stream(), clock, lambda _started: None)

    def pass_time(seconds: float, *, beats: bool) -> int:
        ended = 0
        for step in range(int(seconds / EVERY)):
            clock.advance(EVERY)
            if beats and step % 2 == 0:
                producer.stream.beat(producer.name, b"")
            ended += sweeper.turn()
        return ended

    assert pass_time(20, beats=True) == 0
    set_by(shift)
    assert sweeper.turn() == 0
    assert pass_time(120, beats=True) == 0
    assert pass_time(30, beats=False) == 0
    assert pass_time(30, beats=False) == 1


@pytest.mark.parametrize("shift", [-DAY, DAY])
def test_41_what_was_settled_is_removed_all_the_same(fleet: Fleet, set_by: SetBy, shift: float) -> None:
    """A reporter that is run doesn't count as forgotten, nor one that isn't as lost."""
    stream = fleet.stream()
    stream.register({"log": "oldest"})
    stream.beat(b"producer", b"said")
    fleet.producer().send(executions(10))
    stored = 0
    for partition in range(stream.partitions):
        window = stream.read(partition, 0, 10**9)
        lease = stream.acquire("log", partition, b"agent", 10)
        assert lease is not None
        if window.entries:
            settlement = Settlement(begin=0, end=window.head, last_key=window.entries[-1].key, handled=window.head)
            assert stream.settle(lease, settlement) == "settled"
            stored += len(window.entries)
    set_by(shift)
    assert stream.trim(WEEK).entries == stored > 0
    assert stream.beats(), "signs of life of yesterday are kept for a week"


def test_42_after_a_restart_of_the_machine_everything_goes_on(
    fleet: Fleet, engine_and_url: tuple[Any, str], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No process is left, and no lease: an agent that comes has the backlog at once, and every event once more at most."""
    vendor = Vendor()
    gate = {"open": False}

    def hold(_events: list[Any]) -> None:
        if not gate["open"]:
            raise ConnectionError("the vendor is away")

    vendor.on_flush = hold
    sent = executions(30)
    fleet.producer().send(sent)
    agent = fleet.agent(vendor=vendor)
    agent.until(lambda: vendor.starts > 1, "some trouble")
    agent.kill()
    if fleet.url.startswith("sqlite"):
        monkeypatch.setattr(_machine, "now", lambda: Moment("another boot", 1.0))
    else:
        server: Server = request.getfixturevalue("redis_server")
        with server.client() as client:
            client.config_set("appendfsync", "always")
        server.kill()
        server.start()
        with server.client() as client:
            age(client, 60_000)  # as long as a machine takes to start
    gate["open"] = True
    other = fleet.agent(vendor=vendor)
    fleet.clock.skipped += 30
    other.until_settled()
    assert_complete(vendor.got, sent, duplicates=len(sent))
    ledger = fleet.ledger("vendor")
    assert (ledger.handled, ledger.dead, ledger.expired) == (len(sent), 0, 0)
