"""The history in a schema of its own in a PostgreSQL database. Only the `postgresql` files import psycopg."""

from __future__ import annotations

import math
import os
import select
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from jobreporter_history._engines.database import Connection, Row, Statement, Words
from jobreporter_history._engines.postgresql_errors import meaning_at_connect, translated
from jobreporter_history._engines.postgresql_patience import PatientConnection
from jobreporter_history._engines.trouble import OutOfTime, Refused
from jobreporter_history._engines.urls import without_password

#: Where the tables are: a program's own have names as plain as these.
SCHEMA = "jobreporter_history"

# Seconds. What waits for a lock gives up, and a transaction whose process is stopped is ended by the server, so that
# nobody waits for it. Whatever is the default of the database or the role, these count.
_CONNECT = 3
_SETTINGS = {
    "search_path": SCHEMA,
    # Writers that meet lock rows, and wait for each other; where they may not see what the other wrote, they fail.
    "default_transaction_isolation": r"read\ committed",
    "extra_float_digits": "1",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",
    "statement_timeout": "60s",
    # Rows of the last moments may be lost where the server crashes, as with SQLite.
    "synchronous_commit": "off",
    "timezone": "UTC",
    "client_min_messages": "warning",
}
_REACHED: dict[str, Any] = {
    "connect_timeout": _CONNECT,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "client_encoding": "utf8",
}

WORDS = Words(
    identity="BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    key="BIGINT PRIMARY KEY",
    integer="BIGINT",
    small="SMALLINT",
    real="DOUBLE PRECISION",
    blob="BYTEA",
    key_text='TEXT COLLATE "C"',
    clustered="",
    last_identity="SELECT lastval()",
    for_update=" FOR UPDATE",
)

Prepare = Callable[[Connection], None]

# Connections of the parent's, in a forked child, which are never used, closed, or let go of.
_inherited: list[object] = []


class PostgresqlConnection:
    """The connection of a `PostgresqlDatabase`."""

    words = WORDS

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self.raw = connection

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        with translated():
            return self.raw.execute(_marked(sql), parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        with translated():
            return self.raw.execute(_marked(sql), parameters).fetchone()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        with translated():
            return self.raw.execute(_marked(sql), parameters).rowcount

    def run_many(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        self.run_all([(sql, list(parameters))])

    def run_all(self, statements: Sequence[Statement]) -> None:
        if not (statements := [each for each in statements if each[1]]):
            return  # a pipeline of nothing is a round trip as well
        failure: BaseException | None = None
        with translated(), self.raw.cursor() as cursor:
            try:
                # executemany would open one by itself, and psycopg logs a warning where an exception passes its end.
                with self.raw.pipeline():
                    try:
                        for sql, parameters in statements:
                            cursor.executemany(_marked(sql), parameters)
                    except BaseException as error:
                        failure = error
            except psycopg.Error:
                if failure is None:
                    raise
            if failure is not None:
                raise failure

    def any_of(self, column: str) -> str:
        return f"{column} = ANY(?)"

    def array(self, values: Sequence[Any]) -> list[Any]:
        return list(values)

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        milliseconds = int(seconds * 1000)
        if milliseconds <= 0:
            raise OutOfTime("the search took too long")
        self.run(f"SET statement_timeout = {milliseconds}")
        try:
            yield
        finally:
            self.run(f"SET statement_timeout = '{_SETTINGS['statement_timeout']}'")


class PostgresqlDatabase:
    """url: of the server. prepare: brings the tables up to date, each time that it is connected to for writing.

    clock: instead of the server's own, for tests.
    """

    name = "postgresql"

    def __init__(self, url: str, prepare: Prepare | None = None, clock: Callable[[], float] | None = None) -> None:
        self.url = url
        self.shown = without_password(url)
        self._prepare = prepare
        self._clock = clock
        self._lock = threading.Lock()
        self.deadline = math.inf
        self._free: dict[bool, list[PatientConnection]] = {True: [], False: []}
        self._pid = os.getpid()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self._connection(writes=True) as connection, translated(), connection.transaction():
            yield PostgresqlConnection(connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._connection(writes=False) as connection:
            yield PostgresqlConnection(connection)

    def now(self) -> float:
        if self._clock is not None:
            return self._clock()
        with self.reading() as connection:
            found = connection.row("SELECT extract(epoch FROM clock_timestamp())::double precision")
        assert found is not None  # noqa: S101 - there is always a time
        return float(found[0])

    def close(self) -> None:
        if self._pid != os.getpid():
            return
        for connections in self._free.values():
            while connections:
                connections.pop().close()

    @contextmanager
    def _connection(self, *, writes: bool) -> Iterator[PatientConnection]:
        """One for this thread alone; afterwards it is free for the next one."""
        if self._pid != os.getpid():
            _inherited.extend(self._free.values())
            self._free = {True: [], False: []}
            self._pid = os.getpid()
        connection = self._kept(writes=writes) or self._connect(writes=writes)
        connection.deadline = self.deadline
        well = False
        try:
            yield connection
            well = True
        finally:
            # The server may only read from now on, or its tables be gone: who writes begins anew after every trouble.
            if connection.closed or connection.broken or (writes and not well):
                connection.close()
            else:
                self._free[writes].append(connection)

    def _kept(self, *, writes: bool) -> PatientConnection | None:
        """One that was used before, unless the server has ended it meanwhile, as it does where it is restarted."""
        free = self._free[writes]
        while True:
            try:
                connection = free.pop()
            except IndexError:
                return None
            if _is_quiet(connection):
                return connection
            connection.close()

    def _connect(self, *, writes: bool) -> PatientConnection:
        options = [f"-c {name}={value}" for name, value in _SETTINGS.items()]
        reached = dict(_REACHED)
        if writes:
            reached["target_session_attrs"] = "read-write"  # of several servers that the URL names
        else:
            options.append("-c default_transaction_read_only=on")
        try:
            # What the URL itself asks for, such as a role, comes first, and what the history needs counts.
            options.insert(0, str(conninfo_to_dict(self.url).get("options", "")))
            connection = PatientConnection.connect(
                self.url, autocommit=True, options=" ".join(options), application_name="jobreporter-history", **reached
            )
        except psycopg.Error as error:
            raise meaning_at_connect(error, self.shown) from None
        if (encoding := connection.info.parameter_status("server_encoding")) != "UTF8":
            connection.close()
            raise Refused(
                f"{self.shown} has the encoding {encoding}, which lacks most of what jobs write:"
                " make a database with ENCODING 'UTF8'"
            )
        if writes and self._prepare is not None:
            try:
                self._prepare(PostgresqlConnection(connection))
            except BaseException:
                connection.close()
                raise
        return connection


def _is_quiet(connection: psycopg.Connection[Row]) -> bool:
    """Whether nothing has come over a connection on which nobody has asked anything: an end of it would have."""
    try:
        return not select.select([connection.fileno()], [], [], 0)[0]
    except ValueError:  # select knows of the first thousand files alone
        return True


@lru_cache(maxsize=2048)
def _marked(sql: str) -> str:
    """The statement with psycopg's marks for parameters. No text in ours has a question mark."""
    return sql.replace("%", "%%").replace("?", "%s")
