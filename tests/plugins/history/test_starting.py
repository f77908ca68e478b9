"""A reporter that starts while its store can't be used: what may heal is waited for, and what can't is said at once."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import rq

from jobreporter import BrokenReporter, Dispatcher
from jobreporter_history import HistoryReporter
from jobreporter_history._engines import postgresql as engine
from jobreporter_history._engines import sqlite
from jobreporter_history._engines.postgresql_errors import meaning_at_connect
from jobreporter_history._engines.sqlite import SqliteDatabase
from jobreporter_history.store import Refused, Unavailable
from tests.redis_servers import Server
from tests.waiting import DEADLINE, until

from .conftest import Read, Run
from .contents import rows_equal_rollups
from .executions import NOW, failed, succeeded, write
from .postgresql_server import PostgresqlServer

Ends = Callable[[], None]


@contextmanager
def server_away(server: PostgresqlServer) -> Iterator[Ends]:
    """The server has stopped, until the block calls what it gets, or ends."""
    server.stop()
    back = threading.Event()

    def comes_back() -> None:
        if not back.is_set():
            back.set()
            server.start()

    try:
        yield comes_back
    finally:
        if not back.is_set():
            server.start()


@contextmanager
def file_locked(url: str) -> Iterator[Ends]:
    """Another program holds the lock of the file, until the block calls what it gets, or ends."""
    write(url, [])
    other = sqlite3.connect(url.removeprefix("sqlite://"), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    yield other.close
    other.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def away(
    request: pytest.FixtureRequest, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, Ends]]:
    """The URL of a store that can't be used now, of each kind in turn, and what ends that."""
    monkeypatch.setattr(sqlite, "PATIENCE", 0.05)
    monkeypatch.setattr("jobreporter_history._session.PATIENCE", 0.05)
    if request.param == "sqlite":
        with file_locked(sqlite_url) as ends:
            yield sqlite_url, ends
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    url = server.new_database()
    with server_away(server) as ends:
        yield url, ends


def dispatcher_of(url: str) -> Dispatcher:
    """A dispatcher with the history alone, as a process that has just been started has it."""
    return Dispatcher({"history": HistoryReporter}, config={"reporters": {"history": {"store": url}}})


def test_a_process_that_begins_while_the_store_is_away_keeps_what_it_has(away: tuple[str, Ends], run: Run) -> None:
    """It starts, takes events, and writes them once the store is back; with the tables, if there are none yet."""
    url, ends = away
    running = run(url)
    assert not running.write(succeeded(NOW))
    running.tick(5)
    assert not running.write(failed(NOW + 1))
    ends()
    assert running.write()
    assert running.lost == {}
    assert rows_equal_rollups(url) == 2


def test_its_end_waits_for_the_store(away: tuple[str, Ends], caplog: pytest.LogCaptureFixture) -> None:
    """A process that runs a single job and ends: within its deadline the store comes back, and everything is there."""
    url, ends = away
    dispatcher = dispatcher_of(url)
    closed: list[bool] = []
    with dispatcher.begin("shop.charge"):
        pass
    end = threading.Thread(target=lambda: closed.append(dispatcher.close(60)))
    end.start()
    until(lambda: dispatcher.stats()["history"].retries, "the first try")
    ends()
    end.join()
    assert closed == [True]
    stats = dispatcher.stats()["history"]
    assert (stats.accepted, stats.handled, stats.lost, stats.restarts) == (3, 3, 0, 0)
    assert rows_equal_rollups(url) == 1
    [message] = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert "can't do reporter_flush just now" in message


def test_an_end_that_can_not_wait_for_so_long_counts_what_is_lost(
    away: tuple[str, Ends], caplog: pytest.LogCaptureFixture
) -> None:
    """The store stays away for longer than the process may take to end: what it had is counted, and said."""
    url, ends = away
    dispatcher = dispatcher_of(url)
    with dispatcher.begin("shop.charge"):
        pass
    assert not dispatcher.close(0.5)
    stats = dispatcher.stats()["history"]
    assert (stats.handled, stats.lost, stats.pending) == (0, 3, 0)
    ends()
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len([message for message in told if "lost 3 of 3 events" in message]) == 1


def test_a_server_that_does_not_answer_is_waited_for(
    postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """Its machine hangs: connections are taken, and nobody answers. That is no reason to give up either."""
    monkeypatch.setitem(engine._REACHED, "connect_timeout", 2)
    url = postgresql.new_database()
    with postgresql.hanging():
        running = run(url)
        assert not running.write(succeeded(NOW))
    assert "timeout" in running.said[0]
    assert running.write()
    assert rows_equal_rollups(url) == 1


def test_a_server_with_too_many_connections_is_waited_for(postgresql: PostgresqlServer, run: Run) -> None:
    """Somebody else has them all, and gives one back."""
    url = postgresql.new_database()
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("CREATE ROLE crowd SUPERUSER LOGIN")
        other.execute("ALTER ROLE crowd NOSUPERUSER CONNECTION LIMIT 0")
        other.execute("GRANT ALL ON DATABASE " + url.rpartition("/")[2] + " TO crowd")
        running = run(url.replace("tests@", "crowd@"))
        assert not running.write(succeeded(NOW))
        assert "too many connections" in running.said[0]
        other.execute("ALTER ROLE crowd CONNECTION LIMIT 5")
    assert running.write()
    assert rows_equal_rollups(url) == 1


def test_a_server_that_only_reads_is_waited_for(postgresql: PostgresqlServer, run: Run) -> None:
    """A standby is promoted soon, or the name of the server leads to another one."""
    url = postgresql.new_database()
    name = url.rpartition("/")[2]
    with psycopg.connect(postgresql.url("postgres"), autocommit=True) as other:
        other.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        running = run(url)
        assert not running.write(succeeded(NOW))
        assert "read-only" in running.said[0]
        other.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    running.database.close()  # as the server does that goes
    assert running.write()
    assert rows_equal_rollups(url) == 1


def test_what_nobody_but_people_can_mend_is_said_at_once(postgresql: PostgresqlServer, run: Run) -> None:
    """A wrong password, none, no such role, no such database: no process waits for that at its end."""
    url = postgresql.new_database()
    postgresql.ask_for_password("shopkeeper", "right")
    assert run(url).write(succeeded(NOW))
    for changed, told in (
        (url.replace("tests@", "shopkeeper:wrong@"), "password authentication failed"),
        (url.replace("tests@", "shopkeeper@"), "no password supplied"),
        (url.replace("tests@", "nobody@"), 'role "nobody" does not exist'),
        (url + "_of_nobody", "does not exist"),
        (url + "?sslmode=require", "does not support SSL"),
    ):
        with pytest.raises(BrokenReporter, match=told) as raised:
            run(changed)
        assert "can't be reached" in str(raised.value)
        assert "wrong" not in str(raised.value)


def test_a_password_that_is_changed_keeps_the_batch(postgresql: PostgresqlServer, run: Run) -> None:
    """While the reporter runs, nothing is given up: it is tried again after a while, and the password may be right then."""
    url = postgresql.new_database()
    postgresql.ask_for_password("keeper", "old")
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("ALTER ROLE keeper SUPERUSER")
        running = run(url.replace("tests@", "keeper:old@"))
        other.execute("ALTER ROLE keeper PASSWORD 'new'")
        running.database.close()
        assert not running.write(succeeded(NOW))
        assert "password authentication failed" in running.said[0]
        other.execute("ALTER ROLE keeper PASSWORD 'old'")
    assert running.write()
    assert rows_equal_rollups(url) == 1


@pytest.mark.parametrize(
    "words",
    [
        "Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?",
        "FATAL:  the database system is starting up",
        "FATAL:  the database system is shutting down",
        "FATAL:  the database system is not yet accepting connections\nDETAIL:  Recovery has not got far enough.",
        "FATAL:  sorry, too many clients already",
        "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute",
        "FATAL:  terminating connection due to administrator command",
        "server closed the connection unexpectedly",
        "timeout expired",
        "could not translate host name: Temporary failure in name resolution",
        "session is read-only",
        "FATAL:  la base de données est en cours de démarrage",
    ],
)
def test_what_may_heal_is_known_by_its_words(words: str) -> None:
    """libpq passes on what the server says, and no code."""
    error = psycopg.OperationalError(
        f'connection failed: connection to server at "10.0.0.1", port 5432 failed: {words}'
    )
    assert type(meaning_at_connect(error, "postgresql://shop@db/history")) is Unavailable


def test_of_several_addresses_the_one_that_answers_counts() -> None:
    """The name stands for two addresses: nobody listens at the one, and the other one says no."""
    text = (
        'connection failed: connection to server at "::1", port 5432 failed: Connection refused\n'
        "Multiple connection attempts failed. All failures were:\n"
        "- host: 'db', hostaddr: '127.0.0.1': FATAL:  database \"none\" does not exist\n"
        "- host: 'db', hostaddr: '::1': Connection refused"
    )
    assert type(meaning_at_connect(psycopg.OperationalError(text), "postgresql://db/none")) is Refused


def test_a_statement_that_is_broken_off_keeps_the_batch(postgresql: PostgresqlServer, run: Run) -> None:
    """Whoever runs the server cancels what waits for a lock: the batch stays, and is written once the lock is free."""
    url = postgresql.new_database()
    running = run(url)
    assert running.write(succeeded(NOW))
    with psycopg.connect(url) as lock, psycopg.connect(url, autocommit=True) as other:
        lock.execute("LOCK TABLE jobreporter_history.rollup IN ACCESS EXCLUSIVE MODE")
        written: list[bool] = []
        writer = threading.Thread(target=lambda: written.append(running.write(succeeded(NOW + 1))))
        writer.start()
        waiting = "FROM pg_stat_activity WHERE application_name = 'jobreporter-history' AND wait_event_type = 'Lock'"
        until(lambda: other.execute(f"SELECT count(pg_cancel_backend(pid)) {waiting}").fetchone() != (0,))
        writer.join()
    assert written == [False]
    assert "cancel" in running.said[0]
    assert running.write()
    assert running.lost == {}
    assert rows_equal_rollups(url) == 2


@pytest.mark.parametrize("statement", ["BEGIN", "SELECT"])
def test_a_write_that_a_fork_breaks_off_keeps_the_batch(statement: str, sqlite_url: str, run: Run) -> None:
    """A fork that can't wait any longer interrupts SQLite: the batch stays, and is written afterwards."""
    running, neighbour = run(sqlite_url), run(sqlite_url, pid=8)
    assert running.write(succeeded(NOW))
    assert isinstance(running.database, SqliteDatabase)
    once = iter([1])
    with running.database.alone() as connection:
        raw = connection.raw

        def begins(sql: str) -> None:
            if sql.startswith(statement):  # from here on, what `sqlite3_interrupt` comes to
                raw.set_progress_handler(lambda: raw.in_transaction and next(once, 0), 1)

        raw.set_trace_callback(begins)
        assert not running.write(succeeded(NOW + 1))
        raw.set_trace_callback(None)
        raw.set_progress_handler(None, 0)
    assert neighbour.write(succeeded(NOW + 2))  # nobody holds the lock
    assert running.write()
    assert rows_equal_rollups(sqlite_url) == 3


def test_files_that_can_not_be_opened_for_a_moment_are_waited_for(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """The process has as many files open as it may, and closes some."""
    write(sqlite_url, [])
    with monkeypatch.context() as patched:

        def full(*_: object) -> int:
            raise OSError(24, "Too many open files")

        patched.setattr("jobreporter_history._engines.file_lock.os.open", full)
        running = run(sqlite_url)
        assert not running.write(succeeded(NOW))
        assert "Too many open files" in running.said[0]
    assert running.write()
    assert rows_equal_rollups(sqlite_url) == 1


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Server]:
    """A Redis for RQ."""
    server = Server("redis", tmp_path / "broker")
    yield server
    server.close()


@pytest.mark.parametrize("ending", ["ends", "is lost"])
def test_a_work_horse_that_is_born_while_the_server_is_away(
    ending: str, postgresql: PostgresqlServer, broker: Server, tmp_path: Path, read: Read
) -> None:
    """Its events are there once the server is back; and if it was lost, so is what the process told that RQ's worker forked
    for that: each lives for a single report."""
    url = postgresql.new_database()
    config = tmp_path / "jobreporter.toml"
    config.write_text(f'[dispatcher]\nexit_timeout = "50s"\n[reporters.history]\nstore = "{url}"\n')
    with broker.client() as connection:
        queue = rq.Queue("desk", connection=connection)
        if ending == "ends":
            queue.enqueue("os.getpid")
        else:
            queue.enqueue("os._exit", 3)
    worker_class = "--worker-class=jobreporter.sources.rq.Worker"
    command = [sys.executable, "-m", "rq.cli", "worker", worker_class, "--burst", "--url", broker.url, "desk"]
    environment = {**os.environ, "JOBREPORTER_CONFIG": os.fspath(config)}
    with (
        server_away(postgresql) as comes_back,
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, cwd=tmp_path) as worker,
    ):
        assert worker.stderr is not None
        said: list[str] = []
        for line in worker.stderr:
            said.append(line)
            if "can't do reporter_flush just now" in line:
                comes_back()
        assert worker.wait(DEADLINE) == 0, said
    told = [line for line in said if "reporter 'history'" in line]
    assert all("can't do reporter_flush just now" in line for line in told), said
    [row] = read(url).executions().rows
    assert (row.outcome, row.kind) == (("success", None) if ending == "ends" else ("failure", "worker_lost"))
    assert rows_equal_rollups(url) == 1
