"""One connection to an SQLite file: opened when it is needed, closed before a fork, given up if its file is replaced."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from jobreporter_history._engines import at_fork
from jobreporter_history._engines.trouble import Refused, Unavailable

#: Files whose locks this process inherited from its parent in use. SQLite believes that it holds them.
_inherited: set[Path] = set()


class SqliteHandle:
    """opens: makes the connection, under the lock of `in_use`."""

    def __init__(self, path: Path, opens: Callable[[], sqlite3.Connection]) -> None:
        self.path = path
        self.in_use = threading.RLock()
        self._opens = opens
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._pid = os.getpid()
        # Whether a fork waits for the connection to be free.
        self._wanted = False
        at_fork.remember(self)

    @contextmanager
    def use(self) -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone. What opening it raises is raised as it is."""
        with self.in_use:
            if self._pid != os.getpid():  # forked by something that doesn't tell Python
                self.inherit(closed=self._connection is None)
            if self.path in _inherited:
                raise Refused(
                    f"this process was forked in the middle of a write to {self.path}, and SQLite can't be used after that;"
                    " start it anew"
                )
            if self._connection is not None and not self.is_current:
                self._abandon()
            if self._connection is None:
                self._file = identity(self.path)  # also of one that turns out to be damaged
                self._connection = self._opens()
                self._file = identity(self.path)
            try:
                yield self._connection
            except sqlite3.ProgrammingError as error:
                if self._connection is None:  # a fork on this very thread closed it
                    raise Unavailable(f"{self.path} was closed by a fork") from error
                raise

    @property
    def is_current(self) -> bool:
        """Whether the connection's file still has its name."""
        return self._file == identity(self.path)

    @property
    def file(self) -> tuple[int, int] | None:
        """The file that was opened last, whether or not it still has its name."""
        return self._file

    def close(self) -> None:
        """Close the connection, once nothing uses it any more."""
        with self.in_use:
            self.close_for_fork()

    def gives_way(self) -> bool:
        """Whether a fork waits for the connection: then who has it waits for nobody else. It is asked again if it still does."""
        wanted, self._wanted = self._wanted, False
        return wanted

    def close_for_fork(self) -> None:
        self._wanted = False
        if self._connection is None:
            return
        if not self.is_current:
            self._abandon()
            return
        connection, self._connection = self._connection, None
        connection.close()

    def break_off(self) -> None:
        self._wanted = True
        connection = self._connection
        if connection is not None:
            connection.interrupt()

    def inherit(self, *, closed: bool) -> None:
        self._pid = os.getpid()
        self._wanted = False
        if not closed and self._connection is not None:
            _inherited.add(self.path)
            self._abandon()

    def _abandon(self) -> None:
        """Let the connection be, without closing it, until the process ends.

        Its file has another name by now. To close it could delete the log of the file that has the name today, for
        SQLite knows its log by its name alone. In a forked child, it is the parent's log.
        """
        import ctypes  # this hardly ever happens, and the import is slow

        connection, self._connection = self._connection, None
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def identity(path: Path) -> tuple[int, int] | None:
    """Which file is there, whatever it is called; ``None`` if there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
