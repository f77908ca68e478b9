"""Forks of a process that has the history's SQLite file open, or is about to open it."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

import pytest

from jobreporter_history._engines import at_fork
from jobreporter_history._engines.sqlite import SqliteDatabase
from jobreporter_history._engines.sqlite_handle import SqliteHandle
from jobreporter_history._engines.trouble import OutOfTime, Refused
from jobreporter_history._open import open_database
from jobreporter_history.store import Unavailable
from tests.waiting import until

from .children import in_children
from .contents import rows_equal_rollups
from .executions import NOW, succeeded, write


def test_a_fork_in_the_middle_of_a_write_waits_for_its_end(sqlite_url: str, tmp_path: Path) -> None:
    """A fork while another thread writes waits until that is done; then parent and child write on."""
    database = open_database(sqlite_url)
    with database.writing():
        pass
    inside, forked = threading.Event(), threading.Event()

    def hold() -> None:
        with database.writing() as connection:
            inside.set()
            assert not forked.wait(0.3)
            connection.run("INSERT INTO days (name) VALUES ('ok_20200101')")

    thread = threading.Thread(target=hold)
    thread.start()
    assert inside.wait(10)

    def work(number: int) -> None:
        forked.set()
        with database.writing() as connection:
            connection.run(f"INSERT INTO days (name) VALUES ('ok_2020010{number + 2}')")

    in_children(1, work, tmp_path)
    thread.join(10)
    with database.reading() as connection:
        assert connection.rows("SELECT name FROM days ORDER BY name") == [("ok_20200101",), ("ok_20200102",)]
    database.close()


def test_the_last_of_a_forked_family_keeps_what_the_others_wrote(sqlite_url: str, tmp_path: Path) -> None:
    """A child goes on writing after its parent has closed the file, and nothing that was committed is lost."""
    database = open_database(sqlite_url)
    for number in range(3):
        write(database, succeeded(NOW + number))
    closed_read, closed_write = os.pipe()

    def work(_number: int) -> int:
        write(database, succeeded(NOW + 10, id="child's first"))
        os.read(closed_read, 1)
        write(database, succeeded(NOW + 20, id="child's second"))
        database.close()
        return 0

    pid = os.fork()
    if pid == 0:
        try:
            work(0)
            os._exit(0)
        finally:
            os._exit(1)
    write(database, succeeded(NOW + 5))
    database.close()
    os.write(closed_write, b".")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(closed_read)
    os.close(closed_write)
    assert rows_equal_rollups(sqlite_url) == 6


def test_a_child_of_an_interrupted_write_says_that_it_can_not_write(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a write doesn't end in time, the parent goes on with it, and the child says in a sentence why it can't write."""
    monkeypatch.setattr(at_fork, "_PATIENCE", 0.05)
    monkeypatch.setattr(at_fork, "_LAST_PATIENCE", 0.05)
    database = open_database(sqlite_url)
    inside, forked = threading.Event(), threading.Event()

    def hold() -> None:
        with database.writing() as connection:
            inside.set()
            assert forked.wait(20)
            connection.run("INSERT INTO days (name) VALUES ('ok_20200101')")

    thread = threading.Thread(target=hold)
    thread.start()
    assert inside.wait(10)

    def work(_number: int) -> str:
        try:
            with database.writing():
                return "it can"
        except Refused as error:
            return str(error)

    [said] = in_children(1, work, tmp_path)
    forked.set()
    thread.join(10)
    assert "was forked in the middle of a write" in str(said)
    with database.reading() as connection:
        assert connection.rows("SELECT name FROM days") == [("ok_20200101",)]
    database.close()


@pytest.fixture
def waiting_forks(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set once a fork has broken off what it waits for, which it does soon."""
    broken_off = threading.Event()
    breaks_off = SqliteHandle.break_off

    def told(handle: SqliteHandle) -> None:
        breaks_off(handle)
        broken_off.set()

    monkeypatch.setattr(at_fork, "_PATIENCE", 0.01)
    monkeypatch.setattr(SqliteHandle, "break_off", told)
    return broken_off


def test_a_fork_breaks_off_also_what_begins_after_it_has_tried(
    sqlite_url: str, tmp_path: Path, waiting_forks: threading.Event
) -> None:
    """A fork that finds a write between two statements breaks off the next one, and the child writes on."""
    database = open_database(sqlite_url)
    inside, ended = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with database.writing() as connection:
                inside.set()
                assert waiting_forks.wait(20)
                connection.rows(
                    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
                )
        except OutOfTime:
            ended.set()

    threading.Thread(target=hold, daemon=True).start()
    assert inside.wait(10)

    in_children(1, lambda _number: write(database, succeeded(NOW)), tmp_path)
    assert ended.wait(10)
    assert rows_equal_rollups(sqlite_url) == 1
    database.close()


def test_a_fork_breaks_off_the_wait_for_another_process(
    sqlite_url: str, tmp_path: Path, waiting_forks: threading.Event
) -> None:
    """A fork while a thread waits for others to open the file has it wait no more, and the child writes on."""
    database = open_database(sqlite_url)
    assert isinstance(database, SqliteDatabase)
    lock = os.open(f"{database.path}.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    ended = threading.Event()

    def wait() -> None:
        with pytest.raises(Unavailable), database.writing():
            pass
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    in_use = database._writer.in_use
    until(lambda: not in_use.acquire(blocking=False) or in_use.release())

    def work(_number: int) -> None:
        fcntl.flock(lock, fcntl.LOCK_UN)
        write(database, succeeded(NOW))

    in_children(1, work, tmp_path)
    os.close(lock)
    assert ended.wait(10)
    assert waiting_forks.is_set()
    assert rows_equal_rollups(sqlite_url) == 1
    database.close()
