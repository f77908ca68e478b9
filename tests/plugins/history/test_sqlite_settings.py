"""How an SQLite file is written and read: what each connection is set to, and what a reader costs a writer."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from jobreporter_history._engines.sqlite import LOG_SIZE, SqliteConnection
from jobreporter_history._open import open_database

from .conftest import Read, Run
from .contents import rows_equal_rollups
from .executions import NOW, succeeded, write

#: NORMAL is 1, MEMORY is 2; less than nothing is KiB.
WRITES = {
    "journal_mode": "wal",
    "synchronous": 1,
    "secure_delete": 0,
    "temp_store": 2,
    "cache_size": -32_000,
    "journal_size_limit": LOG_SIZE,
    "wal_autocheckpoint": 2000,
}
READS = {"journal_mode": "wal", "query_only": 1, "temp_store": 2, "cache_size": -32_000}


def test_what_connections_are_set_to(sqlite_url: str) -> None:
    """A writer's log is short and not waited for; a reader can change nothing, whatever it is asked."""
    write(sqlite_url, succeeded(NOW))
    with closing(open_database(sqlite_url)) as database:
        for using, expected in ((database.writing, WRITES), (database.reading, READS)):
            with using() as connection:
                found = {name: connection.rows(f"PRAGMA {name}")[0][0] for name in expected}
            assert found == expected
        with database.reading() as connection:
            assert isinstance(connection, SqliteConnection)
            connection.run("PRAGMA query_only=0")
            try:
                connection.raw.execute("DELETE FROM series")
            except sqlite3.OperationalError as error:
                assert "readonly" in str(error)  # noqa: PT017 - a reader that may write raises nothing
            else:
                raise AssertionError("a reader has written")


def test_threads_that_read_at_the_same_time_have_a_connection_each(sqlite_url: str) -> None:
    """None waits for what another one looks for."""
    write(sqlite_url, succeeded(NOW))
    together = threading.Barrier(3)
    seen: list[int] = []
    with closing(open_database(sqlite_url)) as database:

        def look() -> None:
            with database.reading() as connection:
                assert isinstance(connection, SqliteConnection)
                together.wait(20)  # all of them read now
                seen.append(id(connection.raw))
                together.wait(20)

        threads = [threading.Thread(target=look) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert len(set(seen)) == len(seen) == 3


def test_a_reader_keeps_no_log_from_being_brought_in(sqlite_url: str, run: Run, read: Read) -> None:
    """One that looks again and again, and lives as long as the writer, holds no transaction open in between."""
    running, store = run(sqlite_url), read(sqlite_url)
    log = Path(f"{sqlite_url.removeprefix('sqlite://')}-wal")
    largest = written = 0
    for number in range(50):
        events = [event for each in range(100) for event in succeeded(NOW + number + each / 100, args=["x" * 4000])]
        assert running.write(events)
        assert store.count().value == 100 * (number + 1)
        assert store.executions(limit=20).rows
        largest = max(largest, log.stat().st_size)
        written += 100 * 4000
    assert written == 20_000_000
    assert largest < 12_000_000
    assert rows_equal_rollups(sqlite_url) == 5000
