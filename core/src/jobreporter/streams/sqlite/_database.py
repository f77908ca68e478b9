"""One connection to the database, and what is in it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jobreporter.streams import StreamDown, StreamError, StreamFull, StreamMissing, StreamRefused, StreamSettings
from jobreporter.streams._files import has_less_than, how_to_open, missing_folder, refuse_closed, share, unreliable

#: How many bits of an entry's id are its offset; its partition is in those above.
OFFSET_BITS = 48

_FORMAT = 1
# Bytes.
_IDENTITY = 16
_PAGE = 4096
# Pages that only settling, trimming and the like may use, so that a full stream can become less full.
_RESERVE = 4096
# Bytes of the disk that only they may use. It is less than workers leave free, see `_stream.spool_writer`.
_LEFT_FREE = 16 * 1024 * 1024
# Bytes of the write-ahead log that stay. It grows for as long as somebody reads, such as a backup, and would stay as it is.
_LOG = 16 * 1024 * 1024
_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
-- id: partition << 48 | offset. through: bytes of data up to and with this entry, since the partition began.
CREATE TABLE entry (
  id INTEGER PRIMARY KEY, events INTEGER NOT NULL, at REAL NOT NULL, key INTEGER NOT NULL, through INTEGER NOT NULL,
  data BLOB NOT NULL
);
CREATE TABLE head (partition INTEGER PRIMARY KEY, offset INTEGER NOT NULL, through INTEGER NOT NULL);
CREATE TABLE producer (
  producer BLOB, partition INTEGER, last INTEGER NOT NULL, at REAL NOT NULL, has_left INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (producer, partition)
) WITHOUT ROWID;
CREATE TABLE beat (process BLOB PRIMARY KEY, counter INTEGER NOT NULL, at REAL NOT NULL, data BLOB NOT NULL)
  WITHOUT ROWID;
CREATE TABLE open_execution (
  execution TEXT PRIMARY KEY, producer BLOB NOT NULL, partition INTEGER NOT NULL, data BLOB NOT NULL
);
CREATE TABLE lost_execution (execution TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE reporter (name TEXT PRIMARY KEY, seen_at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE ledger (
  reporter TEXT, partition INTEGER, start INTEGER NOT NULL, position INTEGER NOT NULL,
  handled INTEGER NOT NULL DEFAULT 0, dead INTEGER NOT NULL DEFAULT 0, filtered INTEGER NOT NULL DEFAULT 0,
  expired INTEGER NOT NULL DEFAULT 0, unknown INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (reporter, partition)
) WITHOUT ROWID;
-- boot and deadline: the lease counts until then, by the clock of that boot of the machine. A lease that was given up has
-- no owner.
CREATE TABLE lease (
  name TEXT, partition INTEGER, fence INTEGER NOT NULL, owner BLOB, boot TEXT NOT NULL, deadline REAL NOT NULL,
  PRIMARY KEY (name, partition)
) WITHOUT ROWID;
CREATE TABLE dead_letter (
  reporter TEXT, partition INTEGER, offset INTEGER, at REAL NOT NULL, reason TEXT NOT NULL, events INTEGER NOT NULL,
  data BLOB NOT NULL, PRIMARY KEY (reporter, partition, offset)
);
CREATE INDEX dead_letter_at ON dead_letter (reporter, at);
"""


class Database:
    """Opens the file, makes it where there is none, and turns the errors of SQLite into those of a stream."""

    def __init__(self, path: str, settings: StreamSettings) -> None:
        self.path = path
        self.settings = settings
        self._folder = os.path.dirname(path)
        if problem := unreliable(self._folder):
            raise StreamRefused(f"{path!r} {problem}")
        with self._told():
            self._open()

    def _open(self) -> None:
        settings = self.settings
        if settings.create:
            self._make_file()
        elif not self._is_there():
            raise self._missing()
        self._file = self._which_file()
        self._connection = sqlite3.connect(
            self.path, timeout=settings.timeout, isolation_level=None, check_same_thread=False
        )
        try:
            self._set_up(settings)
        except BaseException:
            self._connection.close()
            raise
        self.partitions = int(self.value("SELECT value FROM meta WHERE name = 'partitions'"))
        self.identity = bytes(self.value("SELECT value FROM meta WHERE name = 'identity'") or b"")

    def _which_file(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _make_file(self) -> None:
        """It holds the arguments of jobs, and is nobody's but the folder's group's."""
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            os.close(os.open(self.path, os.O_RDWR | os.O_CLOEXEC))
            return
        try:
            share(descriptor, self._folder)
        finally:
            os.close(descriptor)

    def _is_there(self) -> bool:
        """Whether there is a file with something in it. Raises OSError if none could be made."""
        try:
            return os.stat(self.path).st_size > 0
        except FileNotFoundError:
            if not os.path.isdir(self._folder):
                raise
            refuse_closed(self._folder)
            return False

    def _share_beside(self) -> None:
        """SQLite gives the files beside it the same mode, and this process's group."""
        for suffix in ("-wal", "-shm"):
            try:
                if os.stat(self.path + suffix).st_uid == os.geteuid():
                    share(self.path + suffix, self._folder)
            except FileNotFoundError:
                continue

    def _set_up(self, settings: StreamSettings) -> None:
        run = self._connection.execute
        if settings.create:
            run(f"PRAGMA page_size = {_PAGE}")
            run("PRAGMA auto_vacuum = INCREMENTAL")
            run("PRAGMA journal_mode = WAL")
        run(f"PRAGMA synchronous = {'FULL' if settings.sync else 'NORMAL'}")
        run(f"PRAGMA journal_size_limit = {_LOG}")
        run("PRAGMA temp_store = MEMORY")  # a container may have no folder that can be written to but the stream's
        # A third more than what the retention asks for: rows and indexes take room too.
        self._most_pages = settings.max_bytes * 4 // 3 // _PAGE + 4 * _RESERVE
        run(f"PRAGMA max_page_count = {self._most_pages}")
        if not settings.create:
            if not self._has_tables():
                raise self._missing()
            return
        with self.writing():
            if not self._has_tables():
                self._create(settings.partitions or 1)
            # One that an earlier version has made has none yet.
            run("INSERT OR IGNORE INTO meta VALUES ('identity', ?)", (os.urandom(_IDENTITY),))
        self._share_beside()

    def _has_tables(self) -> bool:
        """Whether the stream's tables are there. Raises StreamRefused for another format's, and for somebody else's."""
        found = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if found == 0 and self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise StreamRefused(f"{self.path!r} is a database of something else")
        if found not in (0, _FORMAT):
            raise StreamRefused(
                f"{self.path!r} has format {found}, and this version of jobreporter reads format {_FORMAT}"
            )
        return bool(found)

    def _missing(self) -> StreamMissing:
        return StreamMissing(f"{self.path!r}: there is no stream yet: the first agent makes it")

    def _create(self, partitions: int) -> None:
        for statement in _SCHEMA.split(";\n"):
            self._connection.execute(statement)
        self._connection.execute("INSERT INTO meta VALUES ('partitions', ?)", (partitions,))
        self.run_many("INSERT INTO head VALUES (?, 0, 0)", [(number,) for number in range(partitions)])
        self._connection.execute(f"PRAGMA user_version = {_FORMAT}")

    def close(self) -> None:
        """Let go of the file."""
        try:
            self._connection.close()
        except sqlite3.Error:
            pass  # nothing is to be saved: what was acknowledged is committed

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction that writes: all of it is done, or nothing.

        Where the file was removed, or another is in its place, it is that of whoever comes next: what is written to the one
        that is open reaches nobody.
        """
        with self._told():
            if self._file != self._which_file():
                self._connection.close()
                self._open()
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, statement: str, values: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        """What a query finds, as it is read."""
        with self._told():
            yield from self._connection.execute(statement, values)

    def row(self, statement: str, values: tuple[Any, ...] = ()) -> tuple[Any, ...] | None:
        """The first row of what a query finds."""
        with self._told():
            found: tuple[Any, ...] | None = self._connection.execute(statement, values).fetchone()
            return found

    def value(self, statement: str, values: tuple[Any, ...] = ()) -> Any:
        """The first value of what a query finds, ``None`` if that is nothing."""
        found = self.row(statement, values)
        return None if found is None else found[0]

    def run(self, statement: str, values: tuple[Any, ...] = ()) -> int:
        """Execute a statement. Returns how many rows it changed."""
        with self._told():
            return self._connection.execute(statement, values).rowcount

    def run_many(self, statement: str, values: list[tuple[Any, ...]]) -> None:
        """Execute a statement for each of several rows of values."""
        with self._told():
            self._connection.executemany(statement, values)

    def refuse_if_full(self) -> None:
        """Raise StreamFull where nothing but the reserve is left."""
        free = self.value("PRAGMA freelist_count")
        if self.value("PRAGMA page_count") - free > self._most_pages - _RESERVE:
            raise StreamFull(f"{self.path!r} has reached its bound")
        with self._told():
            if has_less_than(_LEFT_FREE, self._folder, more=free * _PAGE):
                raise StreamFull(f"{self.path!r}: the disk is nearly full, and settling needs the rest")

    def give_back(self, pages: int) -> None:
        """Make the file smaller by pages that are free."""
        with self._told():
            # As a script: executed as a statement, it is stepped once and frees one page.
            self._connection.executescript(f"PRAGMA incremental_vacuum({pages})")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._stream_error(error) from None
        except OSError as error:
            raise StreamRefused(f"{self.path!r}: {error.strerror}{self._how_to_share(error)}") from None

    def _stream_error(self, error: sqlite3.Error) -> StreamError:
        # The low byte: what is above says more of the same.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        told = f"{self.path!r}: {error}"
        if code == sqlite3.SQLITE_FULL:
            return StreamFull(told)
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_INTERRUPT):
            return StreamDown(told)
        if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
            told += self._how_to_share()
        return StreamRefused(told)

    def _how_to_share(self, error: OSError | None = None) -> str:
        """What to do about the first of the files that this user may not use, or a folder that isn't there; else nothing."""
        if isinstance(error, FileNotFoundError):
            return missing_folder(self.path)
        if error is not None and not isinstance(error, PermissionError):
            return ""
        return how_to_open(self.path, f"{self.path}-wal", f"{self.path}-shm", self._folder)
