"""Huey's own tests, with each instance attached where it is made."""

from __future__ import annotations

from typing import Any

from .peer import Peer


def attach_everywhere() -> None:
    """Have each Huey attached at the end of its making."""
    from huey.api import Huey

    from jobreporter.sources.huey import attach

    make = Huey.__init__

    def make_and_attach(self: Huey, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        attach(self)

    Huey.__init__ = make_and_attach


PEER = Peer(
    tests=("huey/tests",),
    options=("-q", "-p", "no:cacheprovider", "--continue-on-collection-errors", "--timeout=120"),
    attach_everywhere=attach_everywhere,
    needs_redis=True,
    lacking="nothing; PostgreSQL is not started",
)
