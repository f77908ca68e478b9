"""Asking a PostgreSQL. What every session needs is set for all of it, or anew for each transaction where a pooler is between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from jobreporter_history._engines.database import Row, Statement, Words
from jobreporter_history._engines.postgresql_errors import translated
from jobreporter_history._engines.trouble import OutOfTime

#: Where the tables are: a program's own have names as plain as these.
SCHEMA = "jobreporter_history"

#: What waits for a lock gives up, and a transaction whose process is stopped is ended by the server, so that
#: nobody waits for it. Whatever is the default of the database or the role, these count.
SETTINGS = {
    "search_path": SCHEMA,
    # Writers that meet lock rows, and wait for each other; where they may not see what the other wrote, they fail.
    "default_transaction_isolation": "read committed",
    "extra_float_digits": "1",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",
    "statement_timeout": "60s",
    # Rows of the last moments may be lost where the server crashes, as with SQLite.
    "synchronous_commit": "off",
    "timezone": "UTC",
    "client_min_messages": "warning",
}
WORDS = Words(
    identity="BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    key="BIGINT PRIMARY KEY",
    integer="BIGINT",
    small="SMALLINT",
    real="DOUBLE PRECISION",
    blob="BYTEA",
    key_text='TEXT COLLATE "C"',
    english=' COLLATE "C"',
    clustered="",
    last_identity="SELECT lastval()",
    for_update=" FOR UPDATE",
)


class PostgresqlConnection:
    """The connection of a `PostgresqlDatabase`, which has its session to itself."""

    words = WORDS

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self.raw = connection

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        with translated():
            return self._execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        with translated():
            return self._execute(sql, parameters).fetchone()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        with translated():
            return self._execute(sql, parameters).rowcount

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
        milliseconds = _left(seconds)
        self.run(f"SET statement_timeout = {milliseconds}")
        try:
            yield
        finally:
            self.run(f"SET statement_timeout = '{SETTINGS['statement_timeout']}'")

    def begin(self) -> None:
        """What a transaction begins with."""

    def server(self) -> object:
        """Which server it is, where that may change from one transaction to the next."""
        return None

    def _execute(self, sql: str, parameters: Sequence[Any]) -> psycopg.Cursor[Row]:
        return self.raw.execute(_marked(sql), parameters)


class PooledConnection(PostgresqlConnection):
    """One whose session may be another after each transaction, and everybody's: it keeps nothing there.

    So every statement is in a transaction, alone if need be, and each transaction has the settings for itself.
    """

    def __init__(self, connection: psycopg.Connection[Row], *, writes: bool) -> None:
        super().__init__(connection)
        self._settings = SETTINGS if writes else SETTINGS | {"transaction_read_only": "on"}

    def begin(self) -> None:
        each = (f"set_config('{name}', '{value}', true)" for name, value in self._settings.items())
        self.raw.execute(f"SELECT {', '.join(each)}")

    def server(self) -> object:
        return self.raw.execute("SELECT pg_postmaster_start_time()").fetchone()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        before = self._settings
        self._settings = before | {"statement_timeout": str(_left(seconds))}
        try:
            yield
        finally:
            self._settings = before

    def _execute(self, sql: str, parameters: Sequence[Any]) -> psycopg.Cursor[Row]:
        if self.raw.info.transaction_status != TransactionStatus.IDLE:
            return super()._execute(sql, parameters)
        if sql.startswith("BEGIN"):
            found = super()._execute(sql, parameters)
            self.begin()
            return found
        with self.raw.transaction():
            self.begin()
            return super()._execute(sql, parameters)


def _left(seconds: float) -> int:
    """Milliseconds, at least one. Raises `OutOfTime` where none is left."""
    if (milliseconds := int(seconds * 1000)) <= 0:
        raise OutOfTime("the search took too long")
    return milliseconds


@lru_cache(maxsize=2048)
def _marked(sql: str) -> str:
    """The statement with psycopg's marks for parameters. No text in ours has a question mark."""
    return sql.replace("%", "%%").replace("?", "%s")
