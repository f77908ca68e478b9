"""Whose files are, of streams and spools: of a group in common where there is one, and of nobody else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from jobreporter._agent.ingest import Ingest
from jobreporter._stream.spool_folder import look_at
from jobreporter._stream.spool_writer import SpoolWriter
from jobreporter._system.clock import SYSTEM
from jobreporter.streams import Batch, StreamMissing, StreamRefused, StreamSettings
from jobreporter.streams.sqlite import engine
from jobreporter.streams.sqlite._stream import SqliteStream
from tests.other_users import ANN, BOB, TEAM, being, is_root, reachable_folder

PRODUCER = b"producer"
BOTH = "Run workers and agents as one user, or give them a group in common: chgrp GROUP"


def opened(folder: Path, **settings: bool) -> SqliteStream:
    return engine.open(f"sqlite://{folder}/stream.db", StreamSettings(namespace="shop", **settings))


def write(folder: Path, producer: bytes = PRODUCER) -> None:
    """A record, and the end."""
    writer = SpoolWriter(str(folder / "spool"), producer, max_bytes=10_000_000)
    writer.append(b"no batch, and so kept as damaged")
    writer.close()


def rights(folder: Path) -> dict[str, tuple[str, int, int]]:
    """Mode, user and group of everything in a folder."""
    return {
        str(path.relative_to(folder)): (
            f"{stat.S_IMODE(path.stat().st_mode):o}",
            path.stat().st_uid,
            path.stat().st_gid,
        )
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_the_umask_decides_nothing(tmp_path: Path, umask: int) -> None:
    """Neither too much nor too little."""
    before = os.umask(umask)
    try:
        with_wal = opened(tmp_path)
        with_wal.append(PRODUCER, [Batch(partition=0, first=1, last=1, events=1, data=b"x")])
        write(tmp_path)
        Ingest(str(tmp_path / "spool"), with_wal, SYSTEM, lambda _text: None).turn()
    finally:
        os.umask(before)
    modes = {name: mode for name, (mode, _user, _group) in rights(tmp_path).items()}
    damaged = next(name for name in modes if name.startswith("spool/damaged/"))
    assert modes == {
        **{f"stream.db{suffix}": "660" for suffix in ("", "-wal", "-shm")},
        "spool": "2770",
        "spool/damaged": "2770",
        damaged: "660",
    }
    with_wal.close()


def test_one_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    """Whoever has made it narrower meant that."""
    opened(tmp_path).close()
    (tmp_path / "stream.db").chmod(0o600)
    opened(tmp_path).close()
    assert rights(tmp_path)["stream.db"][0] == "600"


@pytest.mark.parametrize("mode", [0o770, 0o2770])
def test_two_users_work_together_in_a_group(mode: int) -> None:
    """Whether new files get it from the folder or not."""
    if not is_root():
        return  # nobody else can be somebody else
    with reachable_folder(TEAM, mode) as folder:
        with being(ANN, [TEAM]):
            anns = opened(folder)
            anns.append(PRODUCER, [Batch(partition=0, first=1, last=1, events=1, data=b"x")])
            write(folder)
        assert {group for _mode, _user, group in rights(folder).values()} == {TEAM}
        with being(BOB, [TEAM], 0o077):
            bobs = opened(folder)
            assert bobs.append(b"another-", [Batch(partition=0, first=1, last=1, events=1, data=b"y")])
            complaints: list[str] = []
            Ingest(str(folder / "spool"), bobs, SYSTEM, complaints.append).turn()
            assert "is kept in" in complaints[0], complaints
            write(folder, b"bobs own")
            bobs.close()
        with being(ANN, [TEAM]):
            assert anns.read(0, 0, 1000).head == 2
            anns.close()
        assert {group for _mode, _user, group in rights(folder).values()} == {TEAM}


def test_a_group_that_is_not_the_folders_gets_nothing() -> None:
    """A user's first group may be everybody's."""
    if not is_root():
        return
    with reachable_folder(TEAM, 0o777) as folder, being(ANN):
        stream = opened(folder)
        assert {mode for mode, _user, _group in rights(folder).values()} == {"600"}
        stream.close()


def test_who_may_not_is_told_whose_it_is_and_what_to_do(tmp_path: Path) -> None:
    """At the database and at the spool, as a worker and as an agent."""
    if is_root():
        with reachable_folder(ANN, 0o755) as folder:
            os.chown(folder, ANN, ANN)
            with being(ANN):
                opened(folder).close()
                write(folder)
            with being(BOB):
                refusals(folder, f"user {ANN} and group {ANN}", BOB)
    else:
        opened(tmp_path).close()
        write(tmp_path)
        for name in ("stream.db", "spool"):
            (tmp_path / name).chmod(0)
        refusals(tmp_path, "user ", os.geteuid())


def refusals(folder: Path, whose: str, this: int) -> None:
    with pytest.raises(StreamRefused) as raised:
        opened(folder)
    said = str(raised.value)
    assert f"{str(folder / 'stream.db')!r}: Permission denied: " in said
    assert f"belongs to {whose}" in said
    assert BOTH in said
    for attempt in (lambda: write(folder), lambda: look_at(str(folder / "spool"))):
        with pytest.raises(StreamRefused) as refused:
            attempt()
        assert f"the spool {str(folder / 'spool')!r}: Permission denied: " in str(refused.value)
        assert BOTH in str(refused.value)
    if is_root():
        assert f"this is user {this}" in said


def test_a_database_that_can_only_be_read_is_told_likewise() -> None:
    """SQLite's own words for that say nothing of the group."""
    if not is_root():
        return
    with reachable_folder(TEAM, 0o770) as folder:
        with being(ANN, [TEAM]):
            opened(folder).close()
        (folder / "stream.db").chmod(0o640)
        with being(BOB, [TEAM]), pytest.raises(StreamRefused, match=f"belongs to user {ANN} and group {TEAM}.*{BOTH}"):
            opened(folder)


def test_who_looks_changes_nothing(tmp_path: Path) -> None:
    """Not even where a stream could be made; and it tells what would be in the way."""
    with pytest.raises(StreamMissing, match="there is no stream yet: the first agent makes it"):
        opened(tmp_path, create=False)
    look_at(str(tmp_path / "spool"))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StreamRefused, match="No such file or directory"):
        opened(tmp_path / "no", create=False)
    for folder, problem in [("no/spool", "No such file or directory"), ("file/spool", "Not a directory")]:
        (tmp_path / "file").touch()
        with pytest.raises(StreamRefused, match=problem):
            look_at(str(tmp_path / folder))
    with pytest.raises(StreamRefused, match="is no folder"):
        look_at(str(tmp_path / "file"))
    with pytest.raises(StreamMissing):
        engine.open(f"sqlite://{tmp_path}/file", StreamSettings(namespace="shop", create=False))
    assert (tmp_path / "file").stat().st_size == 0


def test_who_looks_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """Byte for byte, and with nothing beside it."""
    stream = opened(tmp_path)
    stream.append(PRODUCER, [Batch(partition=0, first=1, last=1, events=1, data=b"x")], beat=b"said")
    stream.close()
    before = (tmp_path / "stream.db").read_bytes()
    looking = opened(tmp_path, create=False)
    assert (looking.read(0, 0, 100).head, len(looking.beats()), looking.ledgers()) == (1, 1, [])
    assert looking.identity
    looking.close()
    assert (tmp_path / "stream.db").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["stream.db"]


def test_a_path_may_be_quoted(tmp_path: Path) -> None:
    """As in any URL; what stands after a question mark would be taken for a part of it."""
    engine.open(f"sqlite://{tmp_path}/our%20stream%3F.db", StreamSettings(namespace="shop")).close()
    assert (tmp_path / "our stream?.db").exists()
    assert engine.spool_folder("sqlite:///a%20b.db") == "/a b.db.d"
    (fault,) = engine.faults("sqlite:///a.db?mode=ro")
    assert "nothing after a question mark" in fault
