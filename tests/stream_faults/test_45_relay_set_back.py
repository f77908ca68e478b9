"""Fault 45, where one of the two streams forgets: set back to an older state, emptied, trimmed, or another one."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from jobreporter._agent.sweeper import EVERY, PATIENCE, PATIENCE_WITH_RELAYS, Sweeper
from jobreporter.streams import Retention
from jobreporter.streams.sqlite import engine as sqlite
from jobreporter.testing import SteppedClock
from tests.stream_faults.fleet import Fleet, execution, executions, ids
from tests.stream_faults.relayed import Path, Relays, assert_once, events_of, turn, until_settled

OLD, LOST, NEW = executions(8, "old"), executions(8, "lost"), executions(12, "new")


@pytest.fixture
def folder(tmp_path: Any) -> str:
    return str(tmp_path)


@pytest.fixture
def relays(folder: str) -> Iterator[Relays]:
    source = Fleet(sqlite, f"sqlite://{folder}/source.db", partitions=2)
    target = Fleet(sqlite, f"sqlite://{folder}/target.db", partitions=3)
    relays = Relays(Path(source, target))
    yield relays
    relays.close()
    source.close()
    target.close()


def send(relays: Relays, sent: list[Any]) -> None:
    relays.source.producer().send(sent, each=5)


def close_all(relays: Relays) -> None:
    """Every process that has the streams open ends."""
    relays.close()
    for fleet in (relays.source, relays.target):
        for stream in fleet._opened:
            stream.close()
        fleet._opened.clear()


def saved(relays: Relays, folder: str, name: str) -> None:
    close_all(relays)
    shutil.copy(f"{folder}/{name}.db", f"{folder}/{name}.saved")


def restored(relays: Relays, folder: str, name: str) -> None:
    close_all(relays)
    for end in ("", "-wal", "-shm"):
        if os.path.exists(f"{folder}/{name}.db{end}"):
            os.remove(f"{folder}/{name}.db{end}")
    if os.path.exists(f"{folder}/{name}.saved"):
        shutil.copy(f"{folder}/{name}.saved", f"{folder}/{name}.db")


def handed_on(relays: Relays) -> None:
    relay = relays.relay()
    until_settled(relay, relays.source)
    relays.close()


@pytest.mark.parametrize("count", [1, 8, 12], ids=["less than was lost", "as much", "more"])
def test_a_source_that_was_set_back(relays: Relays, folder: str, count: int, caplog: pytest.LogCaptureFixture) -> None:
    """Its offsets are given out a second time: what is new there arrives all the same, and what was handed on stays."""
    send(relays, OLD)
    handed_on(relays)
    saved(relays, folder, "source")
    send(relays, LOST)
    handed_on(relays)
    restored(relays, folder, "source")
    new = executions(count, "new")
    send(relays, new)
    handed_on(relays)
    assert_once(relays.target, [*OLD, *LOST, *new])
    assert "was set back to an older state" in caplog.text
    caplog.clear()
    more = executions(5, "more")
    send(relays, more)
    handed_on(relays)
    assert_once(relays.target, [*OLD, *LOST, *new, *more])
    assert caplog.text == ""


def test_a_source_that_is_set_back_under_a_running_relay(relays: Relays) -> None:
    """As by the promotion of a replica that lacks the tail: no call fails, and other events have the offsets now."""
    send(relays, OLD)
    relay = relays.relay()
    until_settled(relay, relays.source)
    database = relays.source.stream()._database  # type: ignore[attr-defined]  # it is SQLite's
    with database.writing():
        for table in ("entry", "head", "ledger"):
            database.run(f"CREATE TABLE saved_{table} AS SELECT * FROM {table}")  # noqa: S608 - the names are ours
    send(relays, LOST)
    until_settled(relay, relays.source)
    with database.writing():
        for table in ("entry", "head", "ledger"):
            database.run(f"DELETE FROM {table}")  # noqa: S608 - the names are ours
            database.run(f"INSERT INTO {table} SELECT * FROM saved_{table}")  # noqa: S608 - likewise
    send(relays, NEW)
    until_settled(relay, relays.source)
    assert_once(relays.target, [*OLD, *LOST, *NEW])


def test_a_target_that_was_set_back(relays: Relays, folder: str, caplog: pytest.LogCaptureFixture) -> None:
    """It lacks what it forgot, which is told, and gets what comes; a rewind hands on what the source still has."""
    send(relays, OLD)
    handed_on(relays)
    saved(relays, folder, "target")
    send(relays, LOST)
    handed_on(relays)
    restored(relays, folder, "target")
    send(relays, NEW)
    handed_on(relays)
    assert_once(relays.target, [*OLD, *NEW])
    assert "its target lacks" in caplog.text
    assert relays.source.stream().rewind("central", None)
    handed_on(relays)
    assert "hands on everything from there" in caplog.text
    assert set(ids(events_of(relays.target))) == set(ids([*OLD, *LOST, *NEW]))


@pytest.mark.parametrize("while_it_runs", [False, True])
def test_a_target_that_was_emptied(
    relays: Relays, folder: str, caplog: pytest.LogCaptureFixture, while_it_runs: bool
) -> None:
    """It gets what comes from there on, and the operator is told; a rewind fills it again."""
    send(relays, OLD)
    handed_on(relays)
    if while_it_runs:
        relay = relays.relay()
        turn(relay, lambda: relay._tracks)
        database = relays.target.stream()._database  # type: ignore[attr-defined]  # it is SQLite's
        with database.writing():
            for table in ("entry", "producer", "beat", "open_execution"):
                database.run(f"DELETE FROM {table}")  # noqa: S608 - the names are ours
        send(relays, NEW)
        until_settled(relay, relays.source)
        relays.close()
    else:
        restored(relays, folder, "target")
        send(relays, NEW)
        handed_on(relays)
    assert_once(relays.target, NEW)
    assert ("set back" if while_it_runs else "its target doesn't know it") in caplog.text
    assert relays.source.stream().rewind("central", None)
    handed_on(relays)
    assert set(ids(events_of(relays.target))) == set(ids([*OLD, *NEW]))


def test_a_rewind_to_what_the_target_has_sends_nothing_twice(relays: Relays) -> None:
    """It is known by its numbers."""
    send(relays, OLD)
    handed_on(relays)
    assert relays.source.stream().rewind("central", None)
    send(relays, NEW)
    handed_on(relays)
    assert_once(relays.target, [*OLD, *NEW])


def test_what_expired_is_missing_and_nothing_else(relays: Relays, caplog: pytest.LogCaptureFixture) -> None:
    """The stream could not keep it: it is counted there, and the relay goes on behind it."""
    send(relays, OLD)
    handed_on(relays)
    send(relays, LOST)
    relays.source.stream().trim(Retention(max_age=1e-9, max_bytes=10**9, forget_after=1e6))
    send(relays, NEW)
    handed_on(relays)
    assert_once(relays.target, [*OLD, *NEW])
    assert relays.source.ledger("central").expired == len(LOST)
    assert "expired here" in caplog.text


def test_what_expires_under_a_running_relay(relays: Relays) -> None:
    """Its position was moved."""
    send(relays, OLD)
    relay = relays.relay()
    until_settled(relay, relays.source)
    send(relays, LOST)
    relays.source.stream().trim(Retention(max_age=1e-9, max_bytes=10**9, forget_after=1e6))
    send(relays, NEW)
    until_settled(relay, relays.source)
    assert_once(relays.target, [*OLD, *NEW])


def test_a_new_relay_begins_now(relays: Relays, caplog: pytest.LogCaptureFixture) -> None:
    """As any reporter does that is not the first, and nobody is told of a gap that is none."""
    send(relays, OLD)
    relays.source.stream().register({"other": "now"})
    relay = relays.relay()
    turn(relay, lambda: relay._tracks)
    send(relays, NEW)
    until_settled(relay, relays.source)
    assert_once(relays.target, NEW)
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


def test_its_own_stream_is_no_target(folder: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever it is called there: it would go round for ever."""
    source = Fleet(sqlite, f"sqlite://{folder}/source.db")
    same = Fleet(sqlite, f"sqlite://{folder}/./source.db")
    relays = Relays(Path(source, same))
    send(relays, OLD)
    relay = relays.relay()
    turn(relay, lambda: relay.trouble)
    assert "its target: it is the stream that the relay reads" in caplog.text
    assert_once(source, OLD)
    relays.close()
    source.close()
    same.close()


class _Watched:
    """The target's sweeper, whose time is the test's."""

    def __init__(self, relays: Relays) -> None:
        self.clock = SteppedClock()
        self.sweeper = Sweeper(relays.target.stream(), self.clock, lambda _started: None)

    def pass_time(self, seconds: float) -> int:
        ended = 0
        for _ in range(int(seconds / EVERY)):
            self.clock.advance(EVERY)
            ended += self.sweeper.turn()
        return ended


def test_lost_workers_are_found_at_the_target(relays: Relays) -> None:
    """With a relay's patience: it stands for all workers of a machine, and an agent may be away for a while."""
    worker = relays.source.producer()
    worker.send(execution("job", end=False))
    handed_on(relays)
    watched = _Watched(relays)
    assert watched.pass_time(PATIENCE_WITH_RELAYS - 2 * EVERY) == 0
    assert PATIENCE_WITH_RELAYS > 10 * PATIENCE
    assert watched.pass_time(4 * EVERY) == 1
    assert ids(events_of(relays.target)) == ["job Started", "job Failure", "job Stopped"]
    failure = events_of(relays.target)[1]
    assert failure.error.message == "the worker web-1:4711 gave no sign of life any more"
    # The machine is back: the late ending is refused, and counted.
    worker.send([*execution("job")[1:], *execution("next")])
    relay = relays.relay()
    until_settled(relay, relays.source)
    assert relay.lost == {"repeated": 2}
    assert ids(events_of(relays.target))[:3] == ["job Started", "job Failure", "job Stopped"]
    assert len(events_of(relays.target)) == 6


def test_a_relay_that_lives_keeps_its_workers_alive(relays: Relays) -> None:
    """With nothing to hand on, for as long as its source's own agents say nothing."""
    relays.source.producer().send(execution("job", end=False))
    relay = relays.relay()
    until_settled(relay, relays.source)
    watched = _Watched(relays)
    for _ in range(6):
        assert watched.pass_time(PATIENCE_WITH_RELAYS / 2) == 0
        relay._clock.skipped += 20.0  # type: ignore[attr-defined]  # it is a QuickClock
        relay.turn()
    # The worker is found to be dead where it was: its end comes along, and is the only one.
    near = Sweeper(relays.source.stream(), watched.clock, lambda _started: None)
    for _ in range(12):
        watched.clock.advance(EVERY)
        near.turn()
    until_settled(relay, relays.source)
    assert ids(events_of(relays.target)) == ["job Started", "job Failure", "job Stopped"]
    assert watched.pass_time(2 * PATIENCE_WITH_RELAYS) == 0
