"""Opening a database by its URL."""

from __future__ import annotations

from collections.abc import Callable

from jobreporter_history._engines.database import Database
from jobreporter_history._engines.sqlite import SqliteDatabase
from jobreporter_history._engines.trouble import Refused
from jobreporter_history._engines.urls import is_postgresql, sqlite_path
from jobreporter_history._schema.migrations import migrate


def open_database(url: str, clock: Callable[[], float] | None = None) -> Database:
    """The database that a URL names. It is connected to when it is first used.

    clock: the time, instead of the system's or the server's. Raises `Refused` for a URL that names none, and for one of
    PostgreSQL without the extra that brings psycopg.
    """
    if not is_postgresql(url):
        path = sqlite_path(url)
        return SqliteDatabase(path, migrate) if clock is None else SqliteDatabase(path, migrate, clock)
    try:
        from jobreporter_history._engines.postgresql import PostgresqlDatabase
    except ImportError as error:
        raise Refused(f"PostgreSQL needs psycopg ({error}): pip install 'jobreporter-history[postgresql]'") from error
    return PostgresqlDatabase(url, migrate, clock)
