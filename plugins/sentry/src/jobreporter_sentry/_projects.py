"""Where this process's reporters report to, and whether the program's own Sentry client sends there too."""

from __future__ import annotations

from collections.abc import Collection

import sentry_sdk
from sentry_sdk.client import BaseClient
from sentry_sdk.utils import Dsn

from jobreporter import Secret

#: A project, whatever key it is reached with.
Project = tuple[str, str]

# Those of this process's reporters; ``None`` is whichever the program's own client has.
_reported: set[Project | None] = set()


def reports_to(dsn: Secret | None) -> None:
    """A reporter of this process is to have this ``dsn``. Its first job may fail before the reporter has started.

    Raises ValueError if it is none.
    """
    _reported.add(project_of(dsn))


def is_the_programs(dsn: Secret | None) -> bool:
    """Whether the program's own client sends to where a reporter with this ``dsn`` does."""
    return _sends_to([project_of(dsn)])


def the_programs_is_reported() -> bool:
    """Whether the program's own client sends to where any reporter of this process does."""
    return _sends_to(_reported)


def _sends_to(projects: Collection[Project | None]) -> bool:
    client = sentry_sdk.get_client()
    if not client.is_active():
        return False
    return None in projects or project_of_client(client) in projects


def project_of_client(client: BaseClient) -> Project | None:
    """Where the program's own client sends to; ``None`` if nowhere."""
    return _project(client.dsn) if client.is_active() and client.dsn else None


def project_of(dsn: Secret | None) -> Project | None:
    """Where a reporter with this ``dsn`` sends to; ``None`` without one. Raises ValueError if it is no DSN."""
    return None if dsn is None else _project(dsn.reveal())


def _project(dsn: str) -> Project:
    parsed = Dsn(dsn)
    return parsed.netloc, str(parsed.project_id)
