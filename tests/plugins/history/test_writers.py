"""Several processes that write one store, and processes that are killed in the middle of it."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jobreporter import Dispatcher, Event
from jobreporter_history import HistoryReporter
from jobreporter_history._engines.postgresql_connection import PostgresqlConnection
from jobreporter_history._open import open_database
from jobreporter_history._write.writer import Writer
from jobreporter_history.store import Unavailable
from tests.waiting import until

from .children import in_children
from .conftest import MakeUrl, Read
from .contents import contents, rows_equal_rollups
from .executions import NOW, batch_of, failed, new_job, succeeded, write
from .interrupted import Child
from .postgresql_server import PostgresqlServer


def dispatcher_of(url: str) -> Dispatcher:
    """A dispatcher with the history alone."""
    return Dispatcher({"history": HistoryReporter}, config={"reporters": {"history": {"store": url}}})


def test_eight_forked_children_lose_nothing(url: str, tmp_path: Path, read: Read) -> None:
    """Children that are forked from a process which writes, while it writes, share its store: nothing is lost."""
    dispatcher = dispatcher_of(url)

    def work(_number: int) -> None:
        for _ in range(10):
            for each in range(25):
                with dispatcher.begin(f"shop.tasks.job_{each % 4}", args=(each,)) as execution:
                    if each % 5 == 0:
                        execution.fail(ValueError("no funds"))
            assert dispatcher.flush(20)
        assert dispatcher.close(20)

    with dispatcher:
        for _ in range(10):
            with dispatcher.begin("shop.tasks.parent"):
                pass
        in_children(8, work, tmp_path)
        assert dispatcher.flush(20)
        with dispatcher.begin("shop.tasks.parent"):
            pass
    assert rows_equal_rollups(url) == 8 * 10 * 25 + 11
    store = read(url)
    assert {each.job: each.failed for each in store.incidents()} == {
        f"shop.tasks.job_{number}": 8 * 10 * (2 if number == 0 else 1) for number in range(4)
    }


def test_four_writers_of_the_same_events_agree(make_url: MakeUrl) -> None:
    """Four writers that tell the same at the same time, each in another order, don't block each other for good, and
    every execution counts once."""
    events: list[Event] = []
    for number in range(120):
        made = failed if number % 4 == 0 else succeeded
        events += made(NOW + number, name=f"shop.tasks.job_{number % 5}")
    expected, url = make_url(), make_url()
    write(expected, events)
    together = threading.Barrier(4)
    errors: list[BaseException] = []

    def work(seed: int) -> None:
        order = random.Random(seed)  # noqa: S311 - an order, and no secret
        shuffled = order.sample(events, len(events))
        database = open_database(url)
        try:
            together.wait(20)
            writer = Writer(database)
            while shuffled:
                size = order.randint(1, 60)
                try:
                    writer.write(batch_of(shuffled[:size]))
                except Unavailable:
                    # SQLite's lock goes to whoever asks at the right moment.
                    assert url.startswith("sqlite")
                    continue
                shuffled = shuffled[size:]
        except BaseException as error:
            errors.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert contents(url) == contents(expected)
    assert rows_equal_rollups(url) == 120


def killed_at(statement: int | None, url: str, batches: list[list[Event]]) -> int:
    """Write batches in a forked child that kills itself before one of its statements. Returns how many it began."""

    def work() -> None:
        with closing(open_database(url)) as database:
            writer = Writer(database)
            for batch in batches:
                writer.write(batch_of(batch))

    return Child(work, statement).wait()


def test_a_writer_that_is_killed_leaves_all_or_nothing_of_a_batch(make_url: MakeUrl) -> None:
    """SIGKILL before the first statement, before the last, and before 18 in between: the store is whole, its rollups are
    what its rows add up to, and writing everything again makes it complete."""
    batches = []
    for number in range(3):
        job = new_job()
        lost = failed(NOW + number, job=job, event={"kind": "worker_lost"})
        batches.append([*succeeded(NOW + number), *failed(NOW + number), *(lost if number < 2 else [])])
        batches.append(succeeded(NOW + number + 0.5, job=job))
    expected, url = make_url(), make_url()
    last = killed_at(None, expected, batches)
    for number in range(20):
        # From the second time on less is left to do, so that it may get to the end.
        killed_at(1 + number * (last - 1) // 19, url, batches)
        with closing(open_database(url)) as database, database.writing():
            pass  # if it didn't even come to make the tables, whoever comes next does
        rows_equal_rollups(url)
    for batch in batches:
        write(url, batch)
    assert contents(url) == contents(expected)
    if url.startswith("sqlite"):
        with closing(open_database(url)) as database, database.reading() as connection:
            assert connection.rows("PRAGMA integrity_check") == [("ok",)]


def test_a_cell_that_another_writer_empties_is_made_anew(postgresql: PostgresqlServer) -> None:
    """While one writer takes the only row out of its cells, another counts into them: it waits, and its sums are whole."""
    import psycopg

    job = new_job()
    lost = failed(NOW, job=job, event={"kind": "worker_lost"})

    def take_out(url: str) -> None:
        write(url, succeeded(NOW + 3 * 86_400, duration=0.5, job=job))

    expected, url = postgresql.new_database(), postgresql.new_database()
    for each in (expected, url):
        write(each, lost)
        # The tables are there, so that the second writer has nothing to wait for but the cells.
        write(each, succeeded(NOW + 3 * 86_400))
    last = Child(lambda: take_out(expected), None).wait()
    child = Child(lambda: take_out(url), last, signal.SIGSTOP)
    assert child.wait_for_stop()
    writer = threading.Thread(target=write, args=(url, failed(NOW + 1)))
    writer.start()
    with psycopg.connect(url, autocommit=True) as watcher:
        waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        while writer.is_alive() and not watcher.execute(waiting).fetchall():
            time.sleep(0.01)  # between two looks, not in place of one
        assert writer.is_alive()
    child.go_on()
    child.wait()
    writer.join(20)
    assert rows_equal_rollups(url) == 3


def test_cells_are_locked_in_their_order(postgresql: PostgresqlServer) -> None:
    """A writer that waits for a cell has locked those before it, and none behind it: so no two wait for each other."""
    import psycopg

    url = postgresql.new_database()
    names = [f"shop.tasks.job_{number:02}" for number in range(30)]
    events = [event for name in random.Random(1).sample(names, 30) for event in succeeded(NOW, name=name)]  # noqa: S311 - chance that repeats
    write(url, events)
    with psycopg.connect(url) as other, psycopg.connect(url, autocommit=True) as third:
        cells = "FROM jobreporter_history.rollup ORDER BY res, t, series"
        every = third.execute(f"SELECT res, t, series {cells}").fetchall()
        middle = every[len(every) // 2]
        lock = "SELECT 1 FROM jobreporter_history.rollup WHERE (res, t, series) = (%s, %s, %s) FOR UPDATE"
        other.execute(lock, middle)
        more = [event for name in reversed(names) for event in failed(NOW + 1, name=name)]
        writer = threading.Thread(target=write, args=(url, more))
        writer.start()
        waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        until(lambda: third.execute(waiting).fetchall())
        free = third.execute(f"SELECT res, t, series {cells} FOR UPDATE SKIP LOCKED").fetchall()
        other.rollback()
        writer.join()
    assert free == every[every.index(middle) + 1 :]
    assert rows_equal_rollups(url) == 60


def test_a_writer_goes_to_the_server_as_often_for_many_cells_as_for_one(
    postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What others may have to wait for doesn't grow with the number of jobs in a batch."""
    statements: list[str] = []

    def noted(name: str, method: Callable[..., object]) -> Callable[..., object]:
        def call(self: PostgresqlConnection, *arguments: Any) -> object:
            statements.append(name)
            return method(self, *arguments)

        return call

    for name in ("rows", "row", "run", "run_all"):
        monkeypatch.setattr(PostgresqlConnection, name, noted(name, getattr(PostgresqlConnection, name)))
    url = postgresql.new_database()
    counts = []
    for jobs in (1, 40):
        names = [f"shop.tasks.job_{number}" for number in range(jobs)]
        write(url, [event for name in names for event in succeeded(NOW, name=name)])  # what is new takes more
        statements.clear()
        write(url, [event for name in names for event in succeeded(NOW + 1, name=name)])
        counts.append(len(statements))
    assert counts[0] == counts[1]
    assert rows_equal_rollups(url) == 82
