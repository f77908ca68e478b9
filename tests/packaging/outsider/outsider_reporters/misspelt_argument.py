"""Would never get what it asks for."""

from __future__ import annotations

from jobreporter import hookimpl


@hookimpl
def handle_failure(eror: object) -> None: ...
