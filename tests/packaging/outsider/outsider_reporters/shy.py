"""Leaves a trace wherever it is imported."""

from __future__ import annotations

from pathlib import Path

from jobreporter import hookimpl

Path("shy was imported").touch()


@hookimpl
def handle_failure() -> None: ...
