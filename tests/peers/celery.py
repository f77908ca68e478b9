"""Celery's own unit tests, with each app attached where it is made."""

from __future__ import annotations

from typing import Any

from .peer import Peer


def attach_everywhere() -> None:
    """Have each app attached at the end of its making, to one dispatcher that is there already.

    After each test, Celery's tests compare the threads with those that there were before the first. With a dispatcher of
    each app's own, the first eager job would start its threads, and every test from then on would fail for that.
    """
    from celery import Celery

    from jobreporter import Dispatcher
    from jobreporter.sources.celery import attach

    dispatcher = Dispatcher.from_config()
    dispatcher.start()
    make = Celery.__init__

    def make_and_attach(self: Celery, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        attach(self, dispatcher)

    Celery.__init__ = make_and_attach


PEER = Peer(
    tests=("t/unit",),
    # Some files want a database's client that isn't there: they fail in both runs, and the rest goes on.
    options=("-q", "-p", "no:cacheprovider", "--continue-on-collection-errors", "--timeout=120"),
    attach_everywhere=attach_everywhere,
    differences={
        "*::test_trace_before_start": "it asks the task's own mock whether it was called, and ours stands around that:"
        " `before_start` is a function that calls it",
    },
)
