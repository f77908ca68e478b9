"""Would never fire."""

from __future__ import annotations

from jobreporter import hookimpl


@hookimpl
def handle_sucess() -> None: ...
