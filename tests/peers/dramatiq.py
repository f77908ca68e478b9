"""Dramatiq's own tests, with each broker attached where it is made."""

from __future__ import annotations

from typing import Any

from .peer import Peer


def attach_everywhere() -> None:
    """Have each broker attached as soon as it can take middleware."""
    from dramatiq import Broker

    from jobreporter.sources.dramatiq import attach

    make = Broker.__init__

    def make_and_attach(self: Broker, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        attach(self)

    Broker.__init__ = make_and_attach  # type: ignore[method-assign]  # of every broker, whoever makes it


PEER = Peer(
    tests=("tests",),
    # Without its own addopts, which measure coverage.
    options=("-q", "-p", "no:cacheprovider", "--continue-on-collection-errors", "--timeout=60", "-o", "addopts="),
    attach_everywhere=attach_everywhere,
    needs_redis=True,
    lacking="the fixtures, and the folder tests/middleware; RabbitMQ and memcached are not started",
    differences={
        "tests/test_broker.py::test_broker_middleware_can_be_added_*_other_middleware": (
            "it counts middleware by place, and ours takes the first on purpose; the order of the others is as it was"
        ),
        "tests/test_broker.py::test_can_instantiate_brokers_without_middleware": (
            "it asks that there be no middleware at all, and being attached is one"
        ),
    },
)
