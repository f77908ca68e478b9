"""Imports an engine before it is needed: a process that forks while a thread imports has a child that can never import that."""

from __future__ import annotations

from contextlib import suppress

from jobreporter_history._engines.urls import is_postgresql


def import_engine(url: str) -> None:
    """Import what the store's URL needs, on the thread that calls this.

    At the first connection it would be on a reporter's thread, where it may take longer than a fork waits for. What can't be
    imported is told by whoever connects.
    """
    if is_postgresql(url):
        with suppress(ImportError):
            import jobreporter_history._engines.postgresql  # noqa: F401 - it takes 0.2 s, and others never need it
