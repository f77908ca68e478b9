"""The history in a schema of its own in a PostgreSQL database. Only the `postgresql` files import psycopg."""

from __future__ import annotations

import math
import os
import re
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from jobreporter_history._engines.database import Connection, Row
from jobreporter_history._engines.postgresql_connection import SCHEMA, SETTINGS, PooledConnection, PostgresqlConnection
from jobreporter_history._engines.postgresql_errors import meaning_at_connect, translated
from jobreporter_history._engines.postgresql_patience import PatientConnection
from jobreporter_history._engines.trouble import Refused
from jobreporter_history._engines.urls import without_password

# Seconds.
_CONNECT = 3
_REACHED: dict[str, Any] = {
    "connect_timeout": _CONNECT,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "client_encoding": "utf8",
    "application_name": "jobreporter-history",
}
# A space in a value among the options.
_SPACE = r"\ "
# A server whose client is gone ends its statement, and with it the locks: whoever gave it up meets them again otherwise.
_LOOKS_FOR_ITS_CLIENT = "SET client_connection_check_interval = '1s'"
_SINCE = 140_000
# What poolers say who take no settings for a session. Some say nothing, and drop them.
_TAKES_NO_SETTINGS = re.compile("unsupported startup parameter|command-line options")

Prepare = Callable[[Connection], None]

# Connections of the parent's, in a forked child, which are never used, closed, or let go of.
_inherited: list[object] = []


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
        self.opened = self.opened_to_read = 0
        #: The server behind a pooler that was written to, and that was read from.
        self._servers: dict[bool, object] = {True: None, False: None}
        self._free: dict[bool, list[PatientConnection]] = {True: [], False: []}
        self._pid = os.getpid()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self._connection(writes=True) as connection, translated(), connection.transaction():
            asked = _asked(connection, writes=True)
            asked.begin()
            self.opened += self._is_another(asked, writes=True)
            yield asked

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._connection(writes=False) as connection:
            asked = _asked(connection, writes=False)
            with translated():
                self.opened_to_read += self._is_another(asked, writes=False)
            yield asked

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

    def _is_another(self, asked: PostgresqlConnection, *, writes: bool) -> bool:
        """Whether a pooler has led to another server than the last time."""
        before, self._servers[writes] = self._servers[writes], asked.server()
        return self._servers[writes] != before

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
        try:
            connection = _reach(self.url, writes=writes)
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
                self._prepare(_asked(connection, writes=True))
            except BaseException:
                connection.close()
                raise
        self.opened += writes
        self.opened_to_read += not writes
        return connection


def _asked(connection: PatientConnection, *, writes: bool) -> PostgresqlConnection:
    return PooledConnection(connection, writes=writes) if connection.pooled else PostgresqlConnection(connection)


def _reach(url: str, *, writes: bool) -> PatientConnection:
    """A connection whose session has the settings, or of which it is known that a pooler is between."""
    settings = SETTINGS if writes else SETTINGS | {"default_transaction_read_only": "on"}
    # What the URL itself asks for, such as a role, comes first, and what the history needs counts.
    options = [str(conninfo_to_dict(url).get("options", ""))]
    options += [f"-c {name}={value.replace(' ', _SPACE)}" for name, value in settings.items()]
    # Of several servers that the URL names, one that can be written.
    reached = _REACHED | ({"target_session_attrs": "read-write"} if writes else {})
    try:
        connection = PatientConnection.connect(url, autocommit=True, options=" ".join(options), **reached)
    except psycopg.OperationalError as error:
        if not _TAKES_NO_SETTINGS.search(str(error)):
            raise
        connection = PatientConnection.connect(url, autocommit=True, **reached)
    try:
        connection.pooled = connection.execute("SHOW search_path").fetchone() != (SCHEMA,)
        if connection.pooled:
            connection.prepare_threshold = None  # what one session has prepared, the next one doesn't know
            connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        elif writes and connection.info.server_version >= _SINCE:
            with suppress(psycopg.DataError):  # not on every system
                connection.execute(_LOOKS_FOR_ITS_CLIENT)
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
