"""What PostgreSQL's errors mean for the history."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from jobreporter_history._engines import postgresql_patience
from jobreporter_history._engines.trouble import (
    Clash,
    DiskFull,
    Gone,
    OutOfTime,
    Refused,
    Silent,
    StoreError,
    Unavailable,
)

# What is said to those who won't get in until somebody changes something. While connecting, libpq has the words and no
# code. A server that says it in another language is asked again, as one is that is away: late, and not wrong.
_NEVER = (
    "authentication failed for user",
    "no password supplied",
    'role ".*" does not exist',
    'database ".*" does not exist',
    "is not permitted to log in",
    "permission denied for database",
    "is not currently accepting connections",
    "no pg_hba.conf entry",
    "pg_hba.conf rejects",
    "server does not support SSL",
    "certificate verify failed",
    "server certificate",
    "root certificate",
    "unrecognized configuration parameter",
    "unsupported startup parameter",
)
# What libpq says of a server that it has reached and that takes no writes.
_ONLY_READS = "session is read-only"

_CLASHES = errors.UniqueViolation, errors.DuplicateTable, errors.SerializationFailure, errors.DeadlockDetected


@contextmanager
def translated() -> Iterator[None]:
    """Raise what psycopg raises in the block as what is to be done about it."""
    try:
        yield
    except psycopg.Error as error:
        raise meaning(error) from error


def meaning(error: psycopg.Error) -> StoreError | psycopg.Error:
    """The error as what is to be done about it; itself where it is a mistake in a statement."""
    told = _first_line(error)
    if isinstance(error, _CLASHES):
        return Clash(told)
    if isinstance(error, errors.UndefinedTable):
        return Gone(told)
    if isinstance(error, errors.DiskFull):
        return DiskFull(told)
    if isinstance(error, postgresql_patience.Silent):
        return Silent(told)
    if isinstance(error, errors.QueryCanceled):
        return OutOfTime(told)
    if isinstance(error, errors.InsufficientPrivilege):
        return Refused(told)
    # The server is away, restarting, short of something, has ended the session, only reads until it is promoted, or
    # another transaction was in the way.
    if isinstance(error, psycopg.OperationalError | psycopg.InternalError | psycopg.InterfaceError):
        return Unavailable(told)
    return error


def meaning_at_connect(error: psycopg.Error, place: str) -> StoreError:
    """The same of what happened while connecting. place: where to, without a password."""
    if isinstance(error, psycopg.ProgrammingError):
        return Refused(f"the URL of the store is wrong: {str(error).strip()}")
    told = f"{place} can't be reached: {_first_line(error)}"
    # Where a name has several addresses, one that answers with this is the server, and nothing is behind the others.
    if any(re.search(words, str(error)) for words in _NEVER):
        return Refused(told)
    if _ONLY_READS in str(error):
        return Unavailable(
            f"{place} can only be read, as a standby can ({_ONLY_READS}): what is written goes to the server that it follows"
        )
    return Unavailable(told)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
