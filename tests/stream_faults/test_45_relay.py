"""Fault 45: a relay is killed, stopped or cut off in a window. Each event is at its target once."""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jobreporter._agent import portion, relay_leases
from jobreporter._agent.relay import Relay
from jobreporter._stream.process import ProcessBeat
from jobreporter.streams import StreamDown, StreamFull, StreamRefused
from jobreporter.streams.sqlite import engine as sqlite
from tests.redis_servers import Server
from tests.stream_faults.fleet import ORIGIN, PATIENCE, Fleet, execution, executions
from tests.stream_faults.relayed import (
    Killed,
    Path,
    Relays,
    assert_once,
    batches_of,
    flaky_target,
    turn,
    until_settled,
)

SENT = executions(60)


def fleet_of(engine: str, name: str, partitions: int, request: pytest.FixtureRequest) -> Fleet:
    if engine == "sqlite":
        return Fleet(sqlite, f"sqlite://{request.getfixturevalue('tmp_path')}/{name}.db", partitions=partitions)
    from jobreporter_redis import engine as redis

    server: Server = request.getfixturevalue("redis_server")
    with server.client() as client:
        client.flushall()
    return Fleet(redis, server.url, partitions=partitions)


@pytest.fixture(params=[("sqlite", "sqlite"), ("sqlite", "redis"), ("redis", "sqlite")], ids="-to-".join)
def path(request: pytest.FixtureRequest) -> Iterator[Path]:
    """From two partitions to three."""
    source, target = (
        fleet_of(engine, name, partitions, request)
        for engine, name, partitions in zip(request.param, ("source", "target"), (2, 3), strict=True)
    )
    yield Path(source, target)
    source.close()
    target.close()


@pytest.fixture
def relays(path: Path) -> Iterator[Relays]:
    relays = Relays(path)
    yield relays
    relays.close()


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next agent has to wait for a lease's end, which is counted in seconds of the wall."""
    monkeypatch.setattr(relay_leases, "LEASE", 0.3)


@pytest.fixture(autouse=True)
def small_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several windows for what a test sends."""
    monkeypatch.setattr(portion, "MOST", 1500)


def send(relays: Relays, sent: list[Any] = SENT) -> None:
    relays.source.producer().send(sent, each=7)


def test_what_is_in_the_stream_comes_to_the_target(relays: Relays) -> None:
    """Once, in the order of each job, with the process that published it; and the ledger is closed."""
    send(relays)
    relay = relays.relay()
    until_settled(relay, relays.source)
    assert_once(relays.target, SENT)
    assert {batch.origin for batch in batches_of(relays.target)} == {ORIGIN}
    ledger = relays.source.ledger("central")
    assert (ledger.handled, ledger.pending) == (len(SENT), 0)
    more = executions(20, "more")
    send(relays, more)
    until_settled(relay, relays.source)
    assert_once(relays.target, [*SENT, *more])


def test_entries_that_are_larger_than_a_read(relays: Relays, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them comes by itself."""
    monkeypatch.setattr(portion, "MOST", 1)
    send(relays)
    until_settled(relays.relay(), relays.source)
    assert_once(relays.target, SENT)


def test_a_relay_that_is_slow_keeps_its_lease(relays: Relays, monkeypatch: pytest.MonkeyPatch) -> None:
    """A window is cut where it takes too long: what was appended is settled, and the lease renewed in between."""
    monkeypatch.setattr(portion, "MOST", 10**6)
    send(relays)
    relay = relays.relay()
    real, settled = relay._append, []

    def slow(*arguments: Any) -> None:
        relay._clock.skipped += 1.5  # type: ignore[attr-defined]  # it is a QuickClock
        real(*arguments)

    def settling(track: Any, last: Any, reading: Any) -> None:
        settled.append(last.end)
        Relay._settle(relay, track, last, reading)

    monkeypatch.setattr(relay, "_append", slow)
    monkeypatch.setattr(relay, "_settle", settling)
    until_settled(relay, relays.source)
    assert len(settled) > 4
    assert_once(relays.target, SENT)


def test_one_that_can_not_reach_its_target_lets_another_one_try(relays: Relays) -> None:
    """After a minute, if there is one that can."""
    agents = [relays.relay(), relays.relay()]
    targets = {each: flaky_target(each, relays.target) for each in agents}
    stream = relays.source.stream()

    def go_on(until: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE
        while not until():
            assert time.monotonic() < end
            for each in agents:
                said = ProcessBeat(
                    role="agent", origin=ORIGIN, reporters=("central",), broken=("central",) if each._is_broken else ()
                )
                stream.beat(each._leases._owner, said.encoded())
                each.turn()

    first, second = agents if zlib.crc32(b"central") % 2 == 0 else reversed(agents)
    go_on(lambda: first._leases.held and not second._leases.held)
    targets[first].raises = StreamDown("no way there")
    targets[first].beats = targets[first].append  # type: ignore[attr-defined]  # they fail in the same way
    send(relays)
    go_on(lambda: second._leases.held)
    assert first._leases.held == {}
    assert first.trouble == "no way there"
    go_on(lambda: relays.source.ledger("central").pending == 0)
    assert_once(relays.target, SENT)
    until = second._clock.monotonic() + 100
    go_on(lambda: second._clock.monotonic() > until)
    assert second._leases.held, "it keeps them, for as long as the other one is in trouble"
    del targets[first].beats  # type: ignore[attr-defined]  # it is the stream's again
    targets[first].raises = None
    go_on(lambda: first._leases.held and not second._leases.held)


def test_what_runs_is_known_at_the_target(relays: Relays) -> None:
    """Until it has ended there too."""
    worker = relays.source.producer()
    begun, ended = execution("job", end=False), execution("job")[1:]
    worker.send(begun)
    relay = relays.relay()
    until_settled(relay, relays.source)
    assert [each.id for each in relays.target.stream().open_executions()] == ["job/1"]
    worker.send(ended)
    until_settled(relay, relays.source)
    assert relays.target.stream().open_executions() == []


def kill(relay: Relay, monkeypatch: pytest.MonkeyPatch, step: str, *, nth: int, before: bool) -> None:
    """Have it go on until it is killed before or after the nth call of a step."""
    calls = 0
    real = getattr(relay, step)

    def killing(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if before and calls == nth:
            raise Killed
        real(*arguments)
        if calls == nth:
            raise Killed

    monkeypatch.setattr(relay, step, killing)
    with pytest.raises(Killed):
        turn(relay, lambda: False)


@pytest.mark.parametrize("nth", [1, 2, 5])
@pytest.mark.parametrize(
    ("step", "before"),
    [("_append", True), ("_append", False), ("_settle", True), ("_settle", False)],
    ids=["before an append", "after an append", "before settling", "after settling"],
)
@pytest.mark.usefixtures("short_leases")
def test_killed_anywhere(relays: Relays, monkeypatch: pytest.MonkeyPatch, step: str, before: bool, nth: int) -> None:
    """Another agent takes over when the lease has run out, and hands on what the target doesn't have."""
    send(relays)
    kill(relays.relay(), monkeypatch, step, nth=nth, before=before)
    other = relays.relay()
    until_settled(other, relays.source)
    assert_once(relays.target, SENT)
    assert relays.source.ledger("central").handled == len(SENT)


@pytest.mark.usefixtures("short_leases")
def test_killed_again_and_again(relays: Relays, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the windows are cut otherwise each time."""
    send(relays)
    for number in range(1, 5):
        monkeypatch.setattr(portion, "MOST", 700 * number)
        kill(relays.relay(), monkeypatch, "_settle", nth=2, before=True)
        time.sleep(0.35)  # the lease's end, by the store's own clock
    until_settled(relays.relay(), relays.source)
    assert_once(relays.target, SENT)


@pytest.mark.usefixtures("short_leases")
def test_stopped_past_its_lease(relays: Relays, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another agent goes on meanwhile; awake again, what it was about to append is known, and it settles nothing."""
    send(relays)
    slow, quick = relays.relay(), relays.relay()
    real = slow._append
    asleep = []

    def sleepy(*arguments: Any) -> None:
        if not asleep:
            asleep.append(True)
            until_settled(quick, relays.source)
        real(*arguments)

    monkeypatch.setattr(slow, "_append", sleepy)
    turn(slow, lambda: asleep)
    for _ in range(5):
        slow.turn()
    more = executions(10, "more")
    send(relays, more)
    until_settled(quick, relays.source)
    assert_once(relays.target, [*SENT, *more])
    assert relays.source.ledger("central").handled == len(SENT) + len(more)


@pytest.mark.parametrize("policy", ["one", "share"])
def test_two_agents(relays: Relays, policy: str) -> None:
    """Each partition is handed on by one of them, and either goes on alone when the other one ends."""
    first, second = relays.relay(agents=policy), relays.relay(agents=policy)
    stream = relays.source.stream()
    for each in (first, second):
        said = ProcessBeat(role="agent", origin=ORIGIN, reporters=("central",))
        stream.beat(each._leases._owner, said.encoded())
    send(relays)
    for _ in range(200):
        first.turn()
        second.turn()
    assert_once(relays.target, SENT)
    shares = [sorted(each._leases.held) for each in (first, second)]
    assert sorted(shares) == ([[], [0, 1]] if policy == "one" else [[0], [1]])
    first.close()
    stream.leave(first._leases._owner)
    more = executions(10, "more")
    send(relays, more)
    until_settled(second, relays.source)
    assert_once(relays.target, [*SENT, *more])


@pytest.mark.parametrize(
    "error",
    [StreamDown("it is away"), StreamFull("it is full"), StreamRefused("wrong password"), RuntimeError("a bug")],
)
def test_a_target_that_is_away(relays: Relays, caplog: pytest.LogCaptureFixture, error: Exception) -> None:
    """For as long as it is, pauses grow, one line tells of it, and nothing is lost; then it goes on."""
    send(relays)
    relay = relays.relay()
    flaky = flaky_target(relay, relays.target)
    flaky.raises = error
    with caplog.at_level(logging.INFO, "jobreporter"):
        begun = relay._clock.monotonic()
        turn(relay, lambda: relay._clock.monotonic() > begun + 25)
        assert relay.trouble
        tries = flaky.tries
        assert tries <= 10, "pauses grow"
        lines = [each.getMessage() for each in caplog.records]
        assert len(lines) == 1, lines
        assert "relay 'central': its target: " in lines[0]
        flaky.raises = None
        until_settled(relay, relays.source)
    assert relay.trouble is None
    assert caplog.records[-1].getMessage() == "relay 'central': its target works again"
    assert_once(relays.target, SENT)


def test_an_answer_that_is_lost(relays: Relays) -> None:
    """The append was executed: its repeat is known."""
    send(relays)
    relay = relays.relay()
    flaky = flaky_target(relay, relays.target)
    turn(relay, lambda: flaky.tries > 3)
    flaky.lose_answers = 3
    until_settled(relay, relays.source)
    assert flaky.lose_answers == 0
    assert_once(relays.target, SENT)


def test_a_source_that_is_away(relays: Relays, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is back, positions are read anew."""
    send(relays)
    relay = relays.relay()
    relay.turn()
    opened = relay._source._opened
    assert opened is not None
    for call in ("settle", "read", "renew"):

        def down(*_arguments: Any) -> None:
            raise StreamDown("it is away")

        monkeypatch.setattr(opened, call, down)
        turn(relay, lambda: relay._source.trouble, "the trouble")
        monkeypatch.undo()
        monkeypatch.setattr(portion, "MOST", 1500)
    until_settled(relay, relays.source)
    assert_once(relays.target, SENT)
    assert relays.source.ledger("central").handled == len(SENT)


def test_a_relay_that_ends_gives_its_leases_up(relays: Relays) -> None:
    """Another one has them at once, and at the target nobody seems to be gone."""
    send(relays)
    relay = relays.relay()
    until_settled(relay, relays.source)
    known = set(relays.target.stream().beats())
    relay.stop()
    relay.run()
    assert set(relays.target.stream().beats()) == known != set()
    other = relays.relay()
    other.turn()
    assert sorted(other._leases.held) == [0, 1]
