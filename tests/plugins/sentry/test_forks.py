"""In a process that forks."""

from __future__ import annotations

import pytest

from .fake_sentry import Kent, Loopback
from .test_overlap import run


@pytest.mark.parametrize("client", ["OWN_DSN", "HOST_DSN"])
def test_each_process_reports_its_own(kent: Kent, client: str) -> None:
    """A forked child sends what happens in it, and nothing of its parent's twice; the parent goes on."""
    run("fork", **{client: kent.dsn})
    assert [event["transaction"] for event in kent.items()] == ["parent, before", "child", "parent, after"]


def test_a_fork_does_not_fall_into_a_flush() -> None:
    """While the program's client is flushed, its children are forked with a client that works."""
    with Loopback(hang=True).serving() as sentry:
        run("fork_in_flush", HOST_DSN=sentry.dsn)
