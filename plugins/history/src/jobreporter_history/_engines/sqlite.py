"""The history in one SQLite file."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jobreporter_history._engines import file_lock
from jobreporter_history._engines.database import Connection, Row, Statement, Words
from jobreporter_history._engines.network_file_systems import network_file_system
from jobreporter_history._engines.ownership import APPLICATION, check_owner
from jobreporter_history._engines.sqlite_errors import meaning, translated
from jobreporter_history._engines.sqlite_handle import SqliteHandle
from jobreporter_history._engines.trouble import OutOfTime, Refused, Unavailable
from jobreporter_history._engines.urls import sqlite_url

#: Seconds that a writer waits for another one.
PATIENCE = 5.0
#: Bytes that the write-ahead log keeps on the disk at most, between two checkpoints.
LOG_SIZE = 64 * 1024 * 1024

# Seconds between two looks at whether the lock is free: SQLite's own waiting can't be broken off.
_LOOK = 0.05
# Steps of SQLite's machine between two looks at the clock; about a millisecond.
_STEPS = 20_000

_PRAGMAS = (
    "synchronous=NORMAL",
    "secure_delete=OFF",
    "temp_store=MEMORY",
    "cache_size=-32000",
    f"journal_size_limit={LOG_SIZE}",
    "wal_autocheckpoint=2000",
)

WORDS = Words(
    identity="INTEGER PRIMARY KEY AUTOINCREMENT",
    key="INTEGER PRIMARY KEY",
    integer="INTEGER",
    small="INTEGER",
    real="REAL",
    blob="BLOB",
    key_text="TEXT",
    english="",
    clustered=" WITHOUT ROWID",
    last_identity="SELECT last_insert_rowid()",
    for_update="",
)

Prepare = Callable[[Connection], None]


class SqliteConnection:
    """The connection of a `SqliteDatabase`."""

    words = WORDS

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.raw = connection
        self._path = path

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        with translated(self._path):
            return self.raw.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        return next(iter(self.rows(sql, parameters)), None)

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        with translated(self._path):
            return self.raw.execute(sql, parameters).rowcount

    def run_many(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        with translated(self._path):
            self.raw.executemany(sql, parameters)

    def run_all(self, statements: Sequence[Statement]) -> None:
        for sql, parameters in statements:
            self.run_many(sql, parameters)

    def any_of(self, column: str) -> str:
        return f"{column} IN (SELECT value FROM json_each(?))"

    def array(self, values: Sequence[Any]) -> str:
        return json.dumps(values)

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        deadline = time.monotonic() + seconds
        if seconds <= 0:
            raise OutOfTime("the search took too long")
        self.raw.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        try:
            yield
        finally:
            self.raw.set_progress_handler(None, 0)


class SqliteDatabase:
    """path: the file. prepare: brings its tables up to date, in a transaction, each time it is opened for writing.

    clock: the time, for those who share the file; they are on one machine.
    """

    name = "sqlite"

    def __init__(self, path: Path, prepare: Prepare | None = None, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.shown = sqlite_url(path)
        self.now = clock
        #: Whether it is read as a file that nobody writes, because this user may not share memory with a writer.
        self.immutable = False
        #: The monotonic time after which nobody waits for another writer, however many transactions that is for.
        self.deadline = math.inf
        self.opened = self.opened_to_read = 0
        self._prepare = prepare
        self._writer = SqliteHandle(path, self._open_to_write)
        self._readers: list[SqliteHandle] = []

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self._writer.use() as raw:
            connection = SqliteConnection(raw, self.path)
            try:
                self._begin(raw)
                yield connection
                connection.run("COMMIT")
                self._still_there()
            except BaseException:
                # A full disk has ended it already, and then a ROLLBACK would hide what happened.
                if raw.in_transaction:
                    raw.execute("ROLLBACK")
                raise

    @property
    def file(self) -> tuple[int, int] | None:
        """Which file was opened for writing, whether or not it still has its name; ``None`` before the first time."""
        return self._writer.file

    @contextmanager
    def alone(self) -> Iterator[SqliteConnection]:
        """The connection for writing, outside of a transaction, for what SQLite doesn't do within one."""
        with self._writer.use() as raw:
            yield SqliteConnection(raw, self.path)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        try:
            handle = self._readers.pop()
        except IndexError:
            handle = SqliteHandle(self.path, self._open_to_read)
        try:
            with handle.use() as raw:
                yield SqliteConnection(raw, self.path)
        finally:
            if self.immutable:
                handle.close()  # a writer may be there the next time
            self._readers.append(handle)

    def close(self) -> None:
        while self._readers:
            self._readers.pop().close()
        self._writer.close()  # the last one of all that goes takes the log along, which a reader can't

    def _still_there(self) -> None:
        if not self._writer.is_current:
            raise Unavailable(f"{self.path} was put aside by another process in the middle of a write")

    def _begin(self, connection: sqlite3.Connection) -> None:
        deadline = min(self.deadline, time.monotonic() + PATIENCE)
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                found = meaning(error, self.path)
                is_locked = isinstance(found, Unavailable) and not isinstance(found, OutOfTime)
                if not is_locked or time.monotonic() > deadline or self._writer.gives_way():
                    raise found from error
            else:
                return

    def _open_to_write(self) -> sqlite3.Connection:
        if kind := network_file_system(self.path):
            raise Refused(
                f"{self.path} lies on a network file system ({kind}), where SQLite's processes can't share memory;"
                " use a local disk, or PostgreSQL"
            )
        with translated(self.path), file_lock.locked(self.path, self._writer.gives_way):
            connection = sqlite3.connect(
                self.path, timeout=_LOOK, isolation_level=None, check_same_thread=False, cached_statements=512
            )
            try:
                self._set_up(connection)
            except BaseException:
                connection.close()
                raise
        self.opened += 1
        return connection

    def _set_up(self, connection: sqlite3.Connection) -> None:
        check_owner(connection, self.path)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                [(mode,)] = connection.execute("PRAGMA journal_mode=WAL").fetchall()
                break
            except sqlite3.OperationalError as error:
                is_locked = isinstance(meaning(error, self.path), Unavailable)
                if not is_locked or time.monotonic() > deadline or self._writer.gives_way():
                    raise
        if mode != "wal":
            raise Refused(f"{self.path} can't have a write-ahead log where it is (SQLite keeps to {mode!r})")
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        if self._prepare is not None:
            self._prepare(SqliteConnection(connection, self.path))
        if connection.execute("PRAGMA application_id").fetchall() != [(APPLICATION,)]:
            connection.execute(f"PRAGMA application_id={APPLICATION}")
        file_lock.mark(self.path)

    def _open_to_read(self) -> sqlite3.Connection:
        address = f"file:{quote(str(self.path))}?mode=ro"
        with translated(self.path):
            try:
                connection = self._connected(address)
                self.immutable = False
            except sqlite3.OperationalError:
                # Without a writer, this user would have to make the memory that writers share, and may not.
                log = self.path.with_name(f"{self.path.name}-wal")
                if not os.access(self.path, os.R_OK) or (log.exists() and log.stat().st_size):
                    raise
                connection = self._connected(f"{address}&immutable=1")
                self.immutable = True
        self.opened_to_read += 1
        return connection

    def _connected(self, address: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            address, uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        try:
            for pragma in ("query_only=1", "temp_store=MEMORY", "cache_size=-32000"):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        except BaseException:
            connection.close()
            raise
        return connection
