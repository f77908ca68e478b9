"""What goes wrong with a PostgreSQL: it is restarted, ends a session, cancels a statement, is short of something, only reads.
What waits is kept, and written once that is over."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from jobreporter.testing import make_error
from jobreporter_history._engines import postgresql_connection as asking
from jobreporter_history._engines import postgresql_patience
from jobreporter_history._open import open_database
from jobreporter_history.store import Unavailable

from .conftest import Read, Run
from .contents import rows_equal_rollups
from .executions import NOW, failed, succeeded
from .postgresql_server import PostgresqlServer


@contextmanager
def failing(url: str, code: str, words: str = "made up", *, times: int = 1000) -> Iterator[None]:
    """In the block, as many statements as that fail with this SQLSTATE, in the middle of a batch."""
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SET search_path = jobreporter_history")
        other.execute("CREATE SEQUENCE failures")
        other.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF nextval('failures') <= {times} THEN RAISE EXCEPTION '{words}' USING ERRCODE = '{code}'; END IF;"
            " RETURN NEW; END $$".encode()
        )
        other.execute("CREATE TRIGGER fails BEFORE INSERT OR UPDATE ON rollup EXECUTE FUNCTION fail()")
        try:
            yield
        finally:
            other.execute("DROP TRIGGER fails ON rollup")
            other.execute("DROP FUNCTION fail")
            other.execute("DROP SEQUENCE failures")


def test_a_server_that_goes_away_keeps_the_batch(
    postgresql: PostgresqlServer, caplog: pytest.LogCaptureFixture, run: Run
) -> None:
    """A PostgreSQL that is restarted costs nothing: the batch is written when it is back."""
    url = postgresql.new_database()
    running = run(url)
    assert running.write(succeeded(NOW))
    postgresql.stop()
    with caplog.at_level(logging.INFO, "jobreporter.history"):
        assert not running.write(succeeded(NOW + 1))
        running.tick(30)
        assert not running.write(failed(NOW + 2))
        postgresql.start()
        assert running.write()
    assert len(running.said) == 2
    assert "can't be reached" in running.said[1]
    assert caplog.records == []
    assert rows_equal_rollups(url) == 3


def test_connections_that_the_server_has_ended_cost_nothing(postgresql: PostgresqlServer, run: Run, read: Read) -> None:
    """Whether it was restarted, or its operator ended what was idle: the next question and the next batch take others,
    however many there were."""
    url = postgresql.new_database()
    running, store = run(url), read(url, clock=lambda: NOW)
    assert running.write(succeeded(NOW))
    together = threading.Barrier(4)

    def ask() -> None:
        with store._database.reading() as connection:
            together.wait()
            connection.rows("SELECT 1")

    def use_all() -> None:
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    use_all()
    postgresql.stop()
    postgresql.start()
    assert [store.count().value for _ in range(4)] == [1] * 4
    assert running.write(succeeded(NOW + 1))
    use_all()
    with psycopg.connect(url, autocommit=True) as administrator:
        others = "pid <> pg_backend_pid() AND datname = current_database()"
        administrator.execute(f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE {others}".encode())
    assert [store.count().value for _ in range(4)] == [2] * 4
    assert running.write(succeeded(NOW + 2))
    assert running.said == []


def test_a_locked_table_keeps_the_batch(
    postgresql: PostgresqlServer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    run: Run,
    read: Read,
) -> None:
    """While another session of PostgreSQL holds a lock, the batch stays and is tried again; then everything is there."""
    monkeypatch.setitem(asking.SETTINGS, "lock_timeout", "100ms")
    url = postgresql.new_database()
    running = run(url)
    assert running.write(succeeded(NOW))
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE jobreporter_history.rollup IN ACCESS EXCLUSIVE MODE")
        with caplog.at_level(logging.INFO, "jobreporter.history"):
            assert not running.write(succeeded(NOW + 1))
            assert not running.write(failed(NOW + 2))
            assert len(read(url).executions().rows) == 1
            running.tick(20)
    assert running.write()
    assert "lock" in running.said[0]
    assert caplog.records == []
    assert rows_equal_rollups(url) == 3
    assert running.lost == {}


def test_a_batch_stays_whatever_the_server_says(
    postgresql: PostgresqlServer, caplog: pytest.LogCaptureFixture, run: Run
) -> None:
    """A server that cancels a statement, has another transaction go first, or is short of something gets the batch again. What
    doesn't get better by itself, such as a full disk or a damaged table, is up to who runs the server: the batch waits for it.
    """
    url = postgresql.new_database()
    running = run(url)
    assert running.write(succeeded(NOW))
    words = {
        "57014": "canceling statement due to statement timeout",
        "40001": "could not serialize access",
        "40P01": "deadlock detected",
        "55P03": "canceling statement due to lock timeout",
        "25P03": "terminating connection due to idle-in-transaction timeout",
        "57P01": "terminating connection due to administrator command",
        "25006": "cannot execute INSERT in a read-only transaction",
        "53100": "could not extend file: No space left on device",
        "53200": "out of memory",
        "53300": "too many clients already",
        "53400": "temporary file size exceeds temp_file_limit",
        "23505": "duplicate key value",
        "42501": "permission denied",
        "XX001": "invalid page in block 7",
    }
    with caplog.at_level(logging.INFO, "jobreporter.history"):
        for number, (code, said) in enumerate(words.items()):
            with failing(url, code, said):
                assert not running.write(succeeded(NOW + number))
                running.session.tick()
            assert running.write(failed(NOW + number))
    assert running.said == list(words.values())
    assert caplog.records == []
    assert running.lost == {}
    assert rows_equal_rollups(url) == 1 + 2 * len(words)


@pytest.mark.parametrize("code", ["40001", "40P01"])
def test_what_another_writer_was_in_the_way_of_is_repeated_at_once(
    code: str, postgresql: PostgresqlServer, run: Run
) -> None:
    """A transaction that the server gave up for another one's sake costs no pause, which a process that ends may not have."""
    url = postgresql.new_database()
    running = run(url)
    assert running.write(succeeded(NOW))
    with failing(url, code, times=2):
        assert running.write(failed(NOW + 1))
    assert rows_equal_rollups(url) == 2


def test_retention_goes_on_where_the_servers_disk_is_full(postgresql: PostgresqlServer, run: Run, read: Read) -> None:
    """A batch that finds no room waits, and what is too old is taken away meanwhile, which makes some."""
    url = postgresql.new_database()
    running = run(url, keep_success="2d")
    assert running.write(succeeded(NOW))
    running.now += 5 * 86400
    with failing(url, "53100"):
        running.take(succeeded(running.now))
        running.tick(20)
        running.tick(20)
    assert read(url, clock=lambda: running.now).executions().rows == ()
    assert running.write()
    assert running.lost == {}


def test_a_server_that_only_reads_is_left_for_one_that_writes(postgresql: PostgresqlServer, run: Run) -> None:
    """After a fail-over, the connection that is there may be one to a server that only reads: it is given up, and the next one
    is to a server that writes, of those that the URL names."""
    url = postgresql.new_database()
    running = run(url)
    assert running.write(succeeded(NOW))
    with psycopg.connect(postgresql.url("postgres"), autocommit=True) as other:
        other.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        other.execute("SELECT pg_reload_conf()")
        try:
            while running.write(succeeded(NOW + 1)):  # it takes a moment until a session has heard of it
                pass
            assert not running.write(failed(NOW + 2))
        finally:
            other.execute("SET default_transaction_read_only = off")
            other.execute("ALTER SYSTEM RESET default_transaction_read_only")
            other.execute("SELECT pg_reload_conf()")
    while not running.write():
        pass
    assert "read-only transaction" in running.said[0]
    assert "session is read-only" in running.said[1]
    assert running.lost == {}
    assert rows_equal_rollups(url) >= 3


def test_a_server_that_falls_silent_keeps_the_batch(
    postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch, run: Run, read: Read
) -> None:
    """It hangs, or the network swallows what it says: whoever writes gives the connection up before its lane gives up the
    writer, and takes another one; whoever reads does so too in the end."""
    url = postgresql.new_database()
    running = run(url)
    assert running.write(succeeded(NOW))
    monkeypatch.setattr("jobreporter_history._session.PATIENCE", 0.1)
    monkeypatch.setattr(postgresql_patience, "_SILENCE", 0.1)
    with running.database.writing() as connection:
        [(backend,)] = connection.rows("SELECT pg_backend_pid()")
    os.kill(backend, signal.SIGSTOP)
    try:
        assert not running.write(failed(NOW + 1))
        monkeypatch.undo()
        assert running.write()
    finally:
        os.kill(backend, signal.SIGCONT)
    assert running.said == ["the server does not answer"]
    assert running.lost == {}
    store = read(url)
    with store._database.reading() as connection:
        [(backend,)] = connection.rows("SELECT pg_backend_pid()")
    monkeypatch.setattr(postgresql_patience, "_LONGEST", 0.1)
    os.kill(backend, signal.SIGSTOP)
    try:
        with pytest.raises(Unavailable, match="does not answer"):
            store.count()
        monkeypatch.undo()
        assert store.count().value == rows_equal_rollups(url) == 2
    finally:
        os.kill(backend, signal.SIGCONT)


@contextmanager
def too_much(url: str, most: int, then: str) -> Iterator[None]:
    """In the block, the server does that in a transaction that writes more executions at once than so many."""
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SET search_path = jobreporter_history")
        other.execute(
            "CREATE FUNCTION limited() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " PERFORM set_config('tests.rows', (coalesce(nullif(current_setting('tests.rows', true), ''), '0')::int + 1)::text, true);"
            f" IF current_setting('tests.rows')::int > {most} THEN {then}; END IF; RETURN NEW; END $$".encode()
        )
        other.execute("CREATE TRIGGER limited BEFORE INSERT ON exec_ok FOR EACH ROW EXECUTE FUNCTION limited()")
        try:
            yield
        finally:
            other.execute("DROP TRIGGER limited ON exec_ok")
            other.execute("DROP FUNCTION limited")


@pytest.mark.parametrize(
    "then",
    ["PERFORM pg_sleep(600)", "RAISE EXCEPTION 'canceling statement due to timeout' USING ERRCODE = '57014'"],
    ids=["says nothing", "cancels"],
)
def test_a_server_for_which_a_batch_is_too_much_gets_less_at_once(
    then: str, postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """However often it is tried, a batch that takes longer than a server is waited for never gets in: so half of it is tried,
    and so on, and what got in is not written again. What was given up is in nobody's way."""
    url = postgresql.new_database()
    running = run(url)
    assert running.write(succeeded(NOW))
    monkeypatch.setattr("jobreporter_history._session.PATIENCE", 1.0)
    monkeypatch.setattr(postgresql_patience, "_SILENCE", 0.5)
    with too_much(url, 12, then):
        running.take(event for number in range(100) for event in succeeded(NOW + number % 50))
        for _ in range(40):
            if running.write():
                break
        assert rows_equal_rollups(url) == 101
        assert len(running.said) >= 3  # of 100, 50 and 25 at once
    assert running.write(event for number in range(100) for event in succeeded(NOW + number))
    assert running.lost == {}
    assert rows_equal_rollups(url) == 201


def test_what_a_database_has_as_its_defaults_counts_for_others(
    postgresql: PostgresqlServer, run: Run, read: Read
) -> None:
    """Stricter transactions would have writers fail who now wait for each other; other letters and shorter numbers would change
    what is stored."""
    url = postgresql.new_database()
    defaults = {
        "statement_timeout": "1ms",
        "lock_timeout": "1ms",
        "default_transaction_isolation": "serializable",
        "client_encoding": "latin1",
        "extra_float_digits": "-15",
    }
    with psycopg.connect(url, autocommit=True) as other:
        for name, value in defaults.items():
            other.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET {name} = '{value}'".encode())
    running = run(url)
    assert running.write(succeeded(NOW + 0.25, name="shop.задача"))
    [row] = read(url).executions().rows
    assert (row.name, row.started_at) == ("shop.задача", NOW - 0.25)
    database = open_database(url)
    with database.writing() as connection:
        found = [connection.row(f"SHOW {name}") for name in defaults]
    database.close()
    assert found == [("1min",), ("5s",), ("read committed",), ("UTF8",), ("1",)]


def test_what_is_found_is_found_in_turkish_too(postgresql: PostgresqlServer, run: Run, read: Read) -> None:
    """There the small letter of I is another one, and still people look for words of English in capitals and in small letters."""
    with psycopg.connect(postgresql.url("postgres"), autocommit=True) as other:
        other.execute(
            "CREATE DATABASE turkish TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR'"
        )
    url = postgresql.url("turkish")
    running = run(url)
    error = make_error("shop.errors.InvalidID", "İade YAPILMADI: INVALID")
    assert running.write(failed(NOW, name="shop.Import", event={"error": error}))
    store = read(url)
    for wanted in ("invalid", "INVALID", "import", "invalidid", "yap\u0131lmad\u0131", "iade"):
        assert store.incident_count(find=wanted) == 1, wanted
    assert store.incident_count(find="export") == 0
    assert rows_equal_rollups(url) == 1
