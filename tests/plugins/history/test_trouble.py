"""What goes wrong with a store: full disks, locks, damaged files, places that can't be written to. Jobs notice nothing."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from jobreporter import BrokenReporter, Dispatcher, TryAgain
from jobreporter_history import HistoryReporter
from jobreporter_history._engines import sqlite
from jobreporter_history._engines.network_file_systems import network_file_system
from jobreporter_history.store import Damaged, Refused, StoreError, Unavailable

from .children import in_children
from .conftest import Read, Run
from .contents import rows_equal_rollups
from .executions import NOW, failed, succeeded, write
from .postgresql_server import PostgresqlServer

ROOT = Path(__file__).parents[3]


def path_of(url: str) -> Path:
    """The file of a store."""
    return Path(url.removeprefix("sqlite://"))


def test_a_full_disk_costs_the_oldest_days(tmp_path: Path) -> None:
    """On a disk of 40 MB, 24 days are written without losing an execution of the newest: the oldest days go. Where there
    is nothing older, what doesn't fit is counted as lost, and once there is room it goes on by itself. Where a reader that doesn't
    end has the log grow, no day goes for that, and what comes waits until the reader has ended."""
    program = f"{sys.executable} -W error -m tests.plugins.history.full_disk_program {tmp_path}"
    mounted = f"mount -t tmpfs -o size=40m tmpfs {tmp_path} && {program}"
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", mounted],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    if done.returncode and "unshare" in done.stderr and "CI" not in os.environ:
        pytest.skip(f"this test mounts a disk of its own, which this user may not: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    found = {name: value for line in done.stdout.splitlines() for name, value in json.loads(line).items()}
    days, one_day = found["days"], found["one_day"]
    assert days["written"] == 9600
    assert 400 <= days["kept"] < 9600
    assert (days["lost"], days["newest"], days["whole"], days["ballast"]) == ({}, True, True, True)
    assert one_day["lost"].keys() == {"disk"}
    assert one_day["kept"] == one_day["before"] + 50
    assert done.stderr.splitlines().count(f"the history can't be written: the disk of {tmp_path}/day.db is full") == 1
    assert "so that its oldest days are given up" in done.stderr
    said = found["held"].pop("said")
    assert found["held"] == {"again": True, "lost": {}, "gone": [], "before": True, "kept": True}
    assert len(said) == 1
    assert "doesn't let go, so that its log has grown to " in said[0]


def test_a_quota_that_is_used_up_is_a_full_disk(tmp_path: Path) -> None:
    """The disk has room, and the system takes no more from this user: what doesn't fit is counted and said, and it goes on once
    there is room again."""
    command = [sys.executable, "-W", "error", "-m", "tests.plugins.history.quota_program", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"lost": ["disk"], "whole": True}
    assert done.stderr.splitlines() == [
        f"the history can't be written: the disk of {tmp_path}/history.db takes no more from this user: File too large",
        "the history is written again",
    ]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for another writer for long."""
    monkeypatch.setattr(sqlite, "PATIENCE", 0.1)
    monkeypatch.setattr("jobreporter_history._session.PATIENCE", 0.1)


def test_a_locked_file_keeps_the_batch(
    sqlite_url: str, impatient: None, caplog: pytest.LogCaptureFixture, run: Run, read: Read
) -> None:
    """While another program holds the lock, the batch stays and is tried again, and readers read on; then everything is
    there."""
    running = run(sqlite_url)
    assert running.write(succeeded(NOW))
    reader = read(sqlite_url)
    other = sqlite3.connect(path_of(sqlite_url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with caplog.at_level(logging.INFO, "jobreporter.history"):
        assert not running.write(succeeded(NOW + 1))
        assert not running.write(failed(NOW + 2))
        assert reader.count().value == 1
        running.tick(20)
        other.execute("ROLLBACK")
        other.close()
        assert running.write()
    assert running.said == [f"{path_of(sqlite_url)} is locked by another process"] * 2
    assert caplog.records == []
    assert rows_equal_rollups(sqlite_url) == 3
    assert running.lost == {}


def test_a_batch_that_can_not_be_written_takes_no_more_events(sqlite_url: str, impatient: None, run: Run) -> None:
    """Once a batch is full that can't be written, further events are not taken: they wait in the lane's bounded buffer."""
    running = run(sqlite_url)
    other = sqlite3.connect(path_of(sqlite_url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    events = [event for number in range(400) for event in succeeded(NOW + number)]
    with pytest.raises(TryAgain):
        running.take(events)
    with pytest.raises(TryAgain):
        running.take(events[-3:])
    other.execute("ROLLBACK")
    other.close()
    assert running.write()
    assert rows_equal_rollups(sqlite_url) == 250


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_jobs_notice_nothing_of_a_store_that_is_away(
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """While the file is locked or the server is away, jobs are as quick as ever, and wait in a bounded buffer; what doesn't fit
    is counted. Then everything that waited is written, by itself; the log has one line of it."""
    monkeypatch.setattr(sqlite, "PATIENCE", 0.05)
    monkeypatch.setattr("jobreporter_history._session.PATIENCE", 0.05)
    server: PostgresqlServer | None = None
    if kind == "postgresql":
        server = request.getfixturevalue("postgresql")
        url = server.new_database()
    else:
        url = f"sqlite://{tmp_path}/history.db"
    config = {"reporters": {"history": {"store": url, "lane": {"capacity": 1000}}}}
    dispatcher = Dispatcher({"history": HistoryReporter}, config=config)

    def job() -> None:
        with dispatcher.begin("shop.charge"):
            pass

    job()
    assert dispatcher.flush(20)
    other = None
    if server is not None:
        server.stop()
    else:
        other = sqlite3.connect(path_of(url), isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
    durations = []
    for _ in range(2000):
        begin = time.perf_counter()
        job()
        durations.append(time.perf_counter() - begin)
    assert statistics.median(durations) < 0.002
    assert not dispatcher.flush(0.5)
    if server is not None:
        server.start()
    if other is not None:
        other.execute("ROLLBACK")
        other.close()
    # It tries again by itself, less and less often, and then at once when it is asked to.
    end = time.monotonic() + 60
    while dispatcher.stats()["history"].pending:
        dispatcher.flush(1)
        assert time.monotonic() < end
    stats = dispatcher.stats()["history"]
    assert dispatcher.close(20)
    dropped = stats.dropped.get("capacity", 0)
    assert (stats.failed, stats.restarts, stats.status) == (0, 0, "running")
    assert stats.handled == 3 + 6000 - dropped
    assert 0 < dropped < 5500
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len([message for message in warnings if "just now" in message]) == 1
    assert f"lost {dropped} of 6003 events: {dropped} capacity" in warnings[-1]
    # Of an execution whose end was dropped, the start stays.
    assert rows_equal_rollups(url) >= 1 + (2000 - dropped) // 3


def test_a_server_that_is_not_there_is_named_without_the_password(run: Run) -> None:
    """Nobody listens there: the reporter waits, and says where and why."""
    running = run("postgresql://shop:secret@127.0.0.1:1/history")
    assert not running.write(succeeded(NOW))
    [told] = running.said
    assert "postgresql://shop@127.0.0.1:1/history can't be reached" in told
    assert "secret" not in told


def damage(path: Path, offset: int) -> None:
    """Overwrite a part of a file."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xde\xad\xbe\xef" * 2048)


@pytest.fixture(params=["header", "page"])
def damaged_url(request: pytest.FixtureRequest, sqlite_url: str) -> str:
    """A store whose file is damaged: at its very beginning, or in its pages."""
    write(sqlite_url, [event for number in range(300) for event in succeeded(NOW + number)])
    path = path_of(sqlite_url)
    if request.param == "header":
        damage(path, 0)
    else:
        for page in range(2, path.stat().st_size // 4096 - 2, 2):
            damage(path, page * 4096)
    return sqlite_url


def test_a_damaged_file_is_put_aside(damaged_url: str, caplog: pytest.LogCaptureFixture, run: Run, read: Read) -> None:
    """A damaged file gets another name, and a new history is begun: that is said once, and kept where readers see it."""
    with caplog.at_level(logging.INFO, "jobreporter.history"):
        running = run(damaged_url)
        assert running.write(succeeded(NOW + 5000))
        running.tick(60)
        assert running.write(succeeded(NOW + 5001))
    [message] = [record.message for record in caplog.records]
    store = read(damaged_url)
    [found] = store.health().damaged
    assert found.path in message
    assert "is damaged" in message
    assert "history recover" in message
    assert Path(found.path).exists()
    assert rows_equal_rollups(damaged_url) == 2


def test_eight_processes_find_a_damaged_file_at_once(damaged_url: str, tmp_path: Path, run: Run) -> None:
    """One of them puts it aside, all write on into the new one, and nothing that they write is lost."""
    begin_read, begin_write = os.pipe()

    def work(number: int) -> int:
        os.read(begin_read, 1)
        running = run(damaged_url, pid=number)
        for each in range(5):
            while not running.write(succeeded(NOW + 5000 + each, id=f"{number}-{each}")):
                pass
        running.close()
        return sum(running.lost.values())

    threading.Timer(0.2, os.write, (begin_write, b"." * 8)).start()
    assert in_children(8, work, tmp_path) == [0] * 8
    os.close(begin_read)
    os.close(begin_write)
    assert rows_equal_rollups(damaged_url) == 40
    path = path_of(damaged_url)
    assert len([each for each in path.parent.glob(f"{path.name}.damaged-*") if each.suffix.startswith(".damaged")]) == 1


def test_a_file_that_is_damaged_while_it_is_open_is_put_aside(sqlite_url: str, run: Run) -> None:
    """Damage that shows in the middle of a write costs nothing of the batch; a neighbour that has the file open goes on
    with the new one."""
    running, neighbour = run(sqlite_url), run(sqlite_url, pid=8)
    assert running.write(event for number in range(300) for event in succeeded(NOW + number))
    assert neighbour.write(succeeded(NOW))
    path = path_of(sqlite_url)
    # What is in the log would cover the damage.
    sqlite3.connect(path).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    for page in range(1, path.stat().st_size // 4096 - 2):
        damage(path, page * 4096)
    running.database.close()
    assert running.write(succeeded(NOW + 1000))
    assert neighbour.write(succeeded(NOW + 1001))
    assert rows_equal_rollups(sqlite_url) == 2


def test_another_programs_file_is_left_alone(sqlite_url: str, run: Run) -> None:
    """What is no history is neither written to nor put aside: not another program's database, nor any other file."""
    path = path_of(sqlite_url)
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE series (id)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(BrokenReporter, match="another program's SQLite file"):
        run(sqlite_url)
    assert path.read_bytes() == before
    path.write_text("customer,total\n" * 1000)
    with pytest.raises(BrokenReporter, match="something else than a history"):
        run(sqlite_url)
    assert path.read_text() == "customer,total\n" * 1000


@pytest.mark.parametrize(
    ("point", "kind"),
    [("/", "nfs4"), ("/mnt/share", "cifs"), ("/mnt/with\\040blank", "fuse.sshfs"), ("/srv", "9p")],
)
def test_network_file_systems_are_refused_by_name(point: str, kind: str, tmp_path: Path) -> None:
    """The mount that a path lies on decides: the longest, and of several over one another the last."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        f"40 22 0:44 / {point} rw,relatime shared:2 master:1 - {kind} server:/export rw\n"
        "41 22 0:45 / /var rw - xfs /dev/sdb rw\n"
    )
    folder = Path(point.replace("\\040", " "))
    assert network_file_system(folder / "history.db", mounts) == kind
    assert network_file_system(Path("/var/lib/history.db"), mounts) is None


def test_a_reporter_says_why_it_does_not_begin_on_a_network(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """The sentence names the file system, and what to do."""
    monkeypatch.setattr(sqlite, "network_file_system", lambda _: "nfs4")
    with pytest.raises(BrokenReporter, match=r"network file system \(nfs4\).*PostgreSQL"):
        run(sqlite_url)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, run: Run) -> None:
    """It isn't made: a mistyped path would go unnoticed."""
    with pytest.raises(BrokenReporter, match=f"there is no folder {tmp_path}/missing"):
        run(f"sqlite://{tmp_path}/missing/history.db")


def test_another_user_reads_beside_a_writer(
    shared_url: str, request: pytest.FixtureRequest, run: Run, read: Read
) -> None:
    """A user who may not write reads what a writer writes, as it is written."""
    running = run(shared_url)
    assert running.write(succeeded(NOW + 2))
    request.getfixturevalue("as_another_user")
    store = read(shared_url)
    assert store.count().value == 3
    assert not store.health().immutable
    os.seteuid(0)
    assert running.write(succeeded(NOW + 3))
    assert store.count().value == 4


def test_another_user_reads_without_a_writer(shared_url: str, as_another_user: None, read: Read) -> None:
    """Without a writer the file is read as it is, and the store says so."""
    store = read(shared_url)
    assert store.count().value == 2
    assert store.health().immutable


def test_readers_say_what_is_wrong(sqlite_url: str, tmp_path: Path, read: Read) -> None:
    """A missing file, an empty one, a damaged one and a folder: each is one sentence."""
    with pytest.raises(Refused, match="there is no such file"):
        read(sqlite_url).count()
    path_of(sqlite_url).touch()
    with pytest.raises(Refused, match="no history is kept there yet"):
        read(sqlite_url).count()
    path_of(sqlite_url).write_bytes(b"no database" * 1000)
    with pytest.raises(Damaged, match="is damaged"):
        read(sqlite_url).count()
    with pytest.raises(StoreError, match="it is a folder"):
        read(f"sqlite://{tmp_path}").count()
    with pytest.raises(Refused, match="is of the kind 'mysql'; expected sqlite://"):
        read("mysql://localhost/history")
    with pytest.raises(Refused, match="names no file by an absolute path"):
        read("sqlite://history.db")
    with pytest.raises(Unavailable, match="can't be reached"):
        read("postgresql://127.0.0.1:1/history").count()
