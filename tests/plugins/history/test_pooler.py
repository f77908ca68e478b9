"""Through PgBouncer, whose sessions are everybody's: by sessions, by transactions, and where it drops settings without a word."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from jobreporter_history._engines.postgresql import PostgresqlDatabase
from jobreporter_history._engines.trouble import OutOfTime
from jobreporter_history._open import open_database
from jobreporter_history.store import Store, Term, Unavailable

from .conftest import Read, Run
from .contents import contents, rows_equal_rollups
from .executions import NOW, failed, new_job, succeeded, write
from .pgbouncer import pgbouncer
from .postgresql_server import PostgresqlServer

WRITERS = 6


@pytest.fixture(
    scope="module",
    params=[
        {"pool_mode": "session", "default_pool_size": 20},
        {"pool_mode": "transaction"},
        {"pool_mode": "transaction", "ignore_startup_parameters": "options"},
    ],
    ids=["session", "transaction", "drops-options"],
)
def pooler(request: pytest.FixtureRequest, postgresql: PostgresqlServer) -> Iterator[int]:
    """A PgBouncer before the server: its port."""
    with pgbouncer(postgresql, **request.param) as port:
        yield port


@pytest.fixture
def direct(postgresql: PostgresqlServer) -> str:
    """A database that nobody has used, at the server itself."""
    return postgresql.new_database()


@pytest.fixture
def pooled(pooler: int, direct: str) -> str:
    """The same, through the pooler."""
    return f"postgresql://tests@127.0.0.1:{pooler}/{direct.rpartition('/')[2]}"


def test_a_store_behind_a_pooler_is_as_any_other(
    pooled: str, direct: str, postgresql: PostgresqlServer, run: Run, read: Read
) -> None:
    """What is written through it is what is written without it, in the history's own schema; incidents open, people's requests
    are done, and readers find everything."""
    events = [
        event
        for number in range(20)
        for event in [*succeeded(NOW + number, id=f"ok {number}"), *failed(NOW + number, id=f"bad {number}")]
    ]
    beside = postgresql.new_database()
    write(beside, events)
    running = run(pooled)
    for number in range(0, len(events), 30):
        assert running.write(events[number : number + 30])
    assert contents(direct)["executions"] == contents(beside)["executions"]
    assert rows_equal_rollups(direct) == rows_equal_rollups(pooled) == 40
    running.tick(20)
    store = read(pooled, clock=lambda: running.now)
    [incident] = store.incidents(["open"])
    request = store.resolve(incident.id, by="kim")
    running.tick(20)
    assert store.answer(request)
    assert [each.state for each in store.incidents()] == ["resolved"]
    assert len(store.executions([Term("text", "funds")]).rows) == 20
    assert (store.health().bytes or 0) > 0
    with psycopg.connect(direct) as connection:
        [tables] = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert tables == (0,)


def test_writers_behind_a_pooler_neither_lose_nor_count_twice(pooled: str, direct: str) -> None:
    """Six of the same events at a time, over fewer sessions than writers."""
    events = [
        event for number in range(60) for event in failed(NOW + number % 7, job=new_job(name=f"shop.{number % 5}"))
    ]
    write(pooled, [])
    together = threading.Barrier(WRITERS)
    failures: list[BaseException] = []

    def writer(number: int) -> None:
        try:
            with closing(open_database(pooled)) as database:
                together.wait()
                for first in range(0, len(events), 45):
                    part = events[first : first + 45]
                    write(database, part if number % 2 else part[::-1])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=writer, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert rows_equal_rollups(direct) == 60


def test_others_of_the_pool_keep_their_settings(pooled: str, run: Run, read: Read) -> None:
    """Neither the schema nor the timeouts of the history are left in a session that a program of the user's gets next."""
    names = ("search_path", "statement_timeout", "lock_timeout", "transaction_read_only", "TimeZone")

    def settings() -> list[Any]:
        with psycopg.connect(pooled, autocommit=True) as program:
            return [program.execute(f"SHOW {name}".encode()).fetchone() for name in names]

    before = settings()
    running = run(pooled)
    assert running.write(failed(NOW))
    running.tick(20)
    assert read(pooled).executions([Term("slower", 60)]).rows == ()
    running.session.close()
    assert [settings() for _ in range(4)] == [before] * 4


def test_settings_count_behind_a_pooler(pooled: str, direct: str, read: Read) -> None:
    """A reader changes nothing, a search ends in time, and the defaults of the database are for others."""
    with psycopg.connect(direct, autocommit=True) as connection:
        name = direct.rpartition("/")[2]
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'".encode())
    write(pooled, succeeded(NOW))
    database = open_database(pooled)
    assert isinstance(database, PostgresqlDatabase)
    with closing(database):
        with database.writing() as writing:
            assert writing.row("SHOW transaction_isolation") == ("read committed",)
            assert writing.row("SHOW lock_timeout") == ("5s",)
        with database.reading() as reading:
            with pytest.raises(OutOfTime), reading.within(0.05):
                reading.row("SELECT pg_sleep(60)")
            assert reading.row("SHOW statement_timeout") == ("1min",)
            with pytest.raises(Unavailable, match="read-only transaction"):
                reading.run("DELETE FROM live")


def test_a_pooler_that_is_gone_is_waited_for(postgresql: PostgresqlServer, direct: str, run: Run, read: Read) -> None:
    """As a server that is away. The next one at the same place goes on."""
    name = direct.rpartition("/")[2]
    with pgbouncer(postgresql, pool_mode="transaction") as port:
        url = f"postgresql://tests@127.0.0.1:{port}/{name}"
        running = run(url)
        store: Store = read(url)
        assert running.write(succeeded(NOW))
        assert store.count().value == 1
    assert not running.write(succeeded(NOW + 1))
    with pytest.raises(Unavailable, match="can't be reached"):
        store.count()
    with pgbouncer(postgresql, pool_mode="transaction", listen_port=port):
        assert running.write()
        assert store.count().value == 2
    assert running.lost == {}
