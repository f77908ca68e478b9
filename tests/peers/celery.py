"""Celery's own unit tests, with each app attached where it is made."""

from __future__ import annotations

from typing import Any

from .peer import Peer


def attach_everywhere() -> None:
    """Have each app attached at the end of its making."""
    from celery import Celery

    from jobreporter.sources.celery import attach

    make = Celery.__init__

    def make_and_attach(self: Celery, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        attach(self)

    Celery.__init__ = make_and_attach


PEER = Peer(
    tests=("t/unit",),
    # Some files want a database's client that isn't there: they fail in both runs, and the rest goes on.
    options=("-q", "-p", "no:cacheprovider", "--continue-on-collection-errors", "--timeout=120"),
    attach_everywhere=attach_everywhere,
)
