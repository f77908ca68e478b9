"""An old store becomes a new one: numbered steps, each in the same transaction as the number that it leads to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from jobreporter_history._engines.database import Connection
from jobreporter_history._engines.sqlite import SqliteConnection
from jobreporter_history._engines.trouble import Refused, StoreError
from jobreporter_history._schema.executions import of
from jobreporter_history._schema.tables import tables

Step = Callable[[Connection], None]

# Any number that nobody else is likely to take for a lock of theirs.
_LOCK = 0x6A6F_6272
_NOTHING = "no history is kept there yet: the first worker that starts begins it"


def _first(connection: Connection) -> None:
    for statement in tables(connection.words):
        connection.run(statement)
    of(connection).create_parents(connection)


#: The step to version 1, to version 2, and so on. A step that was released is never changed.
STEPS: tuple[Step, ...] = (_first,)


def migrate(connection: Connection, steps: Sequence[Step] = STEPS) -> None:
    """Bring the tables up to date. Raises `Refused` if the store is newer than this code.

    connection: in no transaction.
    """
    if isinstance(connection, SqliteConnection):
        _migrate_sqlite(connection, steps)
    else:
        _migrate_postgresql(connection, steps)


def version(connection: Connection) -> int:
    """The version of the tables; 0 if there are none."""
    if isinstance(connection, SqliteConnection):
        found = connection.row("PRAGMA user_version")
    elif connection.row("SELECT to_regclass('meta')") == (None,):
        _check_sight(connection)
        found = None
    else:
        found = connection.row("SELECT version FROM meta")
    return int(found[0]) if found else 0


def check_version(connection: Connection, newest: int = len(STEPS)) -> None:
    """Raises `Refused` unless the tables are of the version that this code reads."""
    found = version(connection)
    if found > newest:
        raise Refused(
            f"the store has version {found} of the history's tables, and this jobreporter-history knows only those up to"
            f" {newest}: upgrade it"
        )
    if found < newest:
        raise Refused(
            f"the store has version {found} of the history's tables, and this jobreporter-history reads version {newest}:"
            " it is brought up to date by the first worker that starts, or by `jobreporter history check`"
            if found
            else _NOTHING
        )


def is_outdated(connection: Connection) -> bool:
    """Whether the tables are of an earlier version than this code writes."""
    return version(connection) < len(STEPS)


def check_begun(connection: Connection) -> None:
    """Raises `Refused` if there are no tables, of whatever version."""
    if not version(connection):
        raise Refused(_NOTHING)


def _check_sight(connection: Connection) -> None:
    """Raises `Refused` if no table is in sight because this role may not look."""
    hidden = connection.row(
        "SELECT current_user FROM pg_namespace"
        " WHERE nspname = 'jobreporter_history' AND NOT has_schema_privilege(oid, 'USAGE')"
    )
    if hidden is not None:
        raise Refused(f"the role {hidden[0]} may not use the schema jobreporter_history: it needs a GRANT USAGE")


def _migrate_sqlite(connection: SqliteConnection, steps: Sequence[Step]) -> None:
    if version(connection) == len(steps):
        return
    connection.run("BEGIN IMMEDIATE")
    try:
        _steps(connection, steps)
        connection.run(f"PRAGMA user_version = {len(steps)}")
        connection.run("COMMIT")
    except BaseException:
        if connection.raw.in_transaction:
            connection.raw.execute("ROLLBACK")
        raise


def _migrate_postgresql(connection: Connection, steps: Sequence[Step]) -> None:
    if version(connection) == len(steps):
        return
    connection.run("BEGIN")
    try:
        connection.run("SELECT pg_advisory_xact_lock(?)", (_LOCK,))
        if connection.row("SELECT to_regnamespace('jobreporter_history')") == (None,):
            # Even IF NOT EXISTS asks for the right to make schemas, which whoever was given this one needs not have.
            connection.run("CREATE SCHEMA jobreporter_history")
        _steps(connection, steps)
        connection.run("CREATE TABLE IF NOT EXISTS meta (version BIGINT NOT NULL)")
        connection.run("DELETE FROM meta")
        connection.run("INSERT INTO meta (version) VALUES (?)", (len(steps),))
        connection.run("COMMIT")
    except BaseException:
        with suppress(StoreError):  # the server may be gone, which is what is to be told then
            connection.run("ROLLBACK")
        raise


def _steps(connection: Connection, steps: Sequence[Step]) -> None:
    """The steps from the version that it has, which another process may have brought up to date meanwhile."""
    found = version(connection)
    if found > len(steps):
        check_version(connection, len(steps))
    for step in steps[found:]:
        step(connection)
