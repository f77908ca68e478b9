"""The stream in an SQLite database."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from jobreporter.streams import (
    Batch,
    DeadLetter,
    Retention,
    Settlement,
    Stream,
    StreamDown,
    StreamFull,
    StreamRefused,
    StreamSettings,
    _machine,
)
from jobreporter.streams._machine import Moment
from jobreporter.streams.sqlite import engine
from jobreporter.streams.sqlite._stream import SqliteStream
from jobreporter.testing import StreamConformance


class TestSqlite(StreamConformance):
    """It does all that a stream has to do."""

    @pytest.fixture(autouse=True)
    def new_file(self, tmp_path: Path) -> None:
        self.url = f"sqlite://{tmp_path}/stream.db"

    def open(self, **settings: Any) -> Stream:
        return engine.open(self.url, StreamSettings(namespace="shop", **settings))


def opened(path: Path, **settings: Any) -> SqliteStream:
    return engine.open(f"sqlite://{path}", StreamSettings(namespace="shop", **settings))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "stream.db"


def batch(first: int = 1, data: bytes = b"x", **more: Any) -> Batch:
    return Batch(**{"partition": 0, "first": first, "last": first, "events": 1, "data": data, **more})


@pytest.mark.parametrize(
    ("url", "path"),
    [("sqlite:///var/lib/s.db", "/var/lib/s.db"), ("sqlite:////var/lib/s.db", "/var/lib/s.db"), ("sqlite:///s", "/s")],
)
def test_an_absolute_path_stands_after_the_scheme(url: str, path: str) -> None:
    """With three slashes, or with four as SQLAlchemy writes it. The spool is beside it."""
    assert engine.faults(url) == []
    assert engine.spool_folder(url) == f"{path}.d"


@pytest.mark.parametrize(
    "url", ["sqlite://stream.db", "sqlite://./stream.db", "sqlite:stream.db", "sqlite://", "sqlite:///var/lib/"]
)
def test_another_path_is_refused_in_a_sentence(url: str) -> None:
    """It would depend on the working directory, or is none of a file."""
    (fault,) = engine.faults(url)
    assert "expected" in fault


def test_the_files_are_nobody_elses(path: Path) -> None:
    """They hold the arguments of jobs."""
    before = os.umask(0)
    try:
        stream = opened(path)
        stream.append(b"producer", [batch()])
    finally:
        os.umask(before)
    assert {file.name: oct(file.stat().st_mode & 0o777) for file in path.parent.iterdir()} == {
        "stream.db": "0o660",
        "stream.db-wal": "0o660",
        "stream.db-shm": "0o660",
    }
    stream.close()


def test_something_else_is_not_touched(path: Path) -> None:
    """Another program's database, a text, the stream of a later version: refused, and as it was."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    with pytest.raises(StreamRefused, match=r"is a database of something else$"):
        opened(path)
    path.write_text("no database at all, but long enough to be looked at as one " * 20)
    with pytest.raises(StreamRefused, match="not a database"):
        opened(path)
    path.unlink()
    opened(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(StreamRefused, match="has format 2, and this version of jobreporter reads format 1"):
        opened(path)


def test_a_path_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    """With the system's reason."""
    for path, reason in [(tmp_path / "no" / "s.db", "No such file or directory"), (tmp_path, "Is a directory")]:
        with pytest.raises(StreamRefused, match=f"'{path}': {reason}"):
            opened(path)


def test_a_database_that_somebody_holds_is_down(path: Path) -> None:
    """For as long as a call may take; afterwards the same handle works."""
    stream = opened(path, timeout=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StreamDown, match="locked"):
        stream.append(b"producer", [batch()])
    other.execute("ROLLBACK")
    other.close()
    assert stream.append(b"producer", [batch()])[0].status == "stored"
    stream.close()


def test_42_a_lease_ends_with_the_life_of_the_machine(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a restart nobody has to wait for what was held before it."""
    stream = opened(path)
    stream.register({"log": "oldest"})
    stream.acquire("log", 0, b"before", 600)
    assert stream.acquire("log", 0, b"after", 600) is None
    monkeypatch.setattr(_machine, "now", lambda: Moment("another boot", 1.0))
    assert stream.acquire("log", 0, b"after", 600) is not None
    stream.close()


@pytest.mark.parametrize("shift", [-86_400.0, 86_400.0])
def test_41_a_clock_that_is_set_keeps_no_lease_alive(path: Path, monkeypatch: pytest.MonkeyPatch, shift: float) -> None:
    """The wall's clock doesn't count. Where a system has no other, a day back voids what a day forward would end."""
    stream = opened(path)
    stream.register({"log": "oldest"})
    stream.acquire("log", 0, b"before", 10)
    system = time.time
    monkeypatch.setattr(time, "time", lambda: system() + shift)
    assert stream.acquire("log", 0, b"after", 10) is None, "it is held"
    now = _machine.now()
    monkeypatch.setattr(_machine, "now", lambda: now._replace(seconds=now.seconds + shift))
    assert stream.acquire("log", 0, b"after", 10) is not None
    stream.close()


def test_41_an_agent_that_comes_after_it_knows_that_a_clock_was_set_forward(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was stored before doesn't expire by its age for as long as is kept, whoever removes, whatever the clock is put
    right by, and after a restart of the machine. Then, and where the time has really passed, it does."""
    retention = Retention(max_age=1000.0, max_bytes=10**9, forget_after=1000.0)
    wall, machine, boot = time.time(), 100.0, "boot"
    monkeypatch.setattr(time, "time", lambda: wall)
    monkeypatch.setattr(_machine, "now", lambda: Moment(boot, machine))

    def expired() -> int:
        stream = opened(path)
        found = stream.trim(retention).expired.get("log", 0)
        stream.close()
        return found

    stream = opened(path)
    stream.register({"log": "oldest"})
    stream.append(b"producer", [batch()], beat=b"")
    stream.close()
    assert expired() == 0
    wall, machine = wall + 86_400, machine + 10
    assert expired() == 0
    wall, machine = wall - 90 + 500, machine + 500
    assert expired() == 0
    wall, machine, boot = wall + 300, 20.0, "the next"
    assert expired() == 0
    wall, machine = wall + 300, machine + 300
    assert expired() == 1


def test_the_log_that_a_long_reader_made_grow_gets_small_again(path: Path) -> None:
    """A backup, or a shell that somebody left open, holds up neither appends nor settling, and leaves nothing behind."""
    stream = opened(path)
    stream.append(b"producer", [batch(1, b"x")])
    reader = sqlite3.connect(path)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM entry").fetchone() == (1,)
    for number in range(2, 30):
        stream.append(b"producer", [batch(number, bytes(1_000_000))])
    log = path.with_name(f"{path.name}-wal")
    assert log.stat().st_size > 20_000_000
    reader.close()
    for number in range(30, 40):
        stream.append(b"producer", [batch(number, bytes(1_000_000))])
    assert log.stat().st_size < 20_000_000
    stream.close()


def test_a_full_stream_takes_no_more_and_lets_everything_else_go_on(path: Path) -> None:
    """Settling, leases, signs of life and trimming have room kept for them; then there is room again."""
    stream = opened(path, max_bytes=1_000_000)
    stream.register({"log": "oldest"})
    held = stream.acquire("log", 0, b"agent", 600)
    assert held is not None
    stored = 0

    def append_one() -> None:
        stream.append(b"producer", [batch(stored + 1, bytes(1_000_000), open={str(stored): b"x"})])

    while stored < 1000:
        try:
            append_one()
        except StreamFull:
            break
        stored += 1
    with pytest.raises(StreamFull, match="has reached its bound"):
        append_one()
    assert stream.append(b"producer", []) == ()
    lost = stream.open_executions()[0]
    with pytest.raises(StreamFull, match="has reached its bound"):
        stream.lose(lost, bytes(1_000_000), 2)  # that is an append, too, and the room is for what makes some
    assert lost in stream.open_executions()
    letters = tuple(
        DeadLetter(reporter="log", partition=0, offset=offset, at=1.0, reason="poison", data=bytes(100_000))
        for offset in range(stored)
    )
    key = stream.read(0, stored - 1, 1).entries[0].key
    settlement = Settlement(begin=0, end=stored, last_key=key, dead=letters)
    assert stream.settle(held, settlement) == "settled"
    assert stream.renew([held], 600) == (True,)
    stream.beat(b"producer", b"alive")
    assert stream.trim(Retention(max_age=1e6, max_bytes=1_000_000, forget_after=1e6)).entries == stored
    assert stream.append(b"producer", [batch(stored + 1)])[0].status == "stored"
    assert list(stream.dead_letters()) == list(letters[-1:]), "the newest"
    stream.close()


def test_the_file_becomes_smaller_again(path: Path) -> None:
    """A backlog that has gone takes no disk for ever."""
    stream = opened(path)
    stream.register({"log": "oldest"})
    held = stream.acquire("log", 0, b"agent", 600)
    assert held is not None
    for number in range(1, 101):
        stream.append(b"producer", [batch(number, bytes(500_000))])
    key = stream.read(0, 99, 1).entries[0].key
    assert stream.settle(held, Settlement(begin=0, end=100, last_key=key, handled=100)) == "settled"
    forever = Retention(max_age=1e6, max_bytes=10**9, forget_after=1e6)
    for _ in range(20):
        stream.trim(forever)
    stream.close()
    assert path.stat().st_size < 30_000_000


@pytest.mark.parametrize("kind", ["nfs4", "cifs"])
@pytest.mark.parametrize("create", [True, False])
def test_a_file_system_of_another_machine_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, create: bool
) -> None:
    """With a spool on each machine it would seem to do, until two of them had written to it."""
    monkeypatch.setattr("jobreporter.streams._files.kind_of_file_system", lambda _path: kind)
    with pytest.raises(StreamRefused, match=f"stream.db' is on a file system of kind {kind}, whose locks can't"):
        opened(path, create=create)
    assert not path.exists()


def test_numbers_are_kept_for_as_long_as_they_can_matter(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour for a producer that has left, and as long as a reporter is remembered for one that gave no sign of it."""
    stream = opened(path)
    retention = Retention(max_age=1e6, max_bytes=10**9, forget_after=10_000.0)
    for producer in (b"has left", b"is gone-", b"lives---"):
        stream.append(producer, [batch()], beat=b"")
    stream.leave(b"has left")
    now, since = time.time(), _machine.now()

    def known(later: float) -> list[str]:
        monkeypatch.setattr(time, "time", lambda: now + later)
        monkeypatch.setattr(_machine, "now", lambda: since._replace(seconds=since.seconds + later))
        stream.beat(b"lives---", b"")
        stream.trim(retention)
        found = stream._database.rows("SELECT CAST(producer AS TEXT) FROM producer ORDER BY 1")
        return [name.strip("-") for (name,) in found]

    assert known(3000) == ["has left", "is gone", "lives"]
    assert known(4000) == ["is gone", "lives"]
    assert known(11_000) == ["lives"]
    stream.close()
