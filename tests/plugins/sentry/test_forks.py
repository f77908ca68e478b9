"""In a process that forks."""

from __future__ import annotations

import threading

import pytest

from tests.waiting import until

from .fake_sentry import FakeSentry, Kent
from .test_overlap import run


@pytest.mark.parametrize("client", ["OWN_DSN", "HOST_DSN"])
def test_each_process_reports_its_own(kent: Kent, client: str) -> None:
    """A forked child sends what happens in it, and nothing of its parent's twice; the parent goes on."""
    run("fork", **{client: kent.dsn})
    reported = [event["transaction"] for event in kent.items()]
    assert reported[:3] == ["parent, before", "child", "parent, after"]
    assert reported[3:] == ([] if client == "OWN_DSN" else ["child, early", "parent, late"])


def test_a_child_sends_nothing_that_its_parent_is_about_to_send() -> None:
    """What waits in the program's client while it forks is the parent's alone, and the child's own event is sent."""
    with FakeSentry().answers_late() as sentry:
        program = threading.Thread(target=run, args=("fork_before_sent",), kwargs={"HOST_DSN": sentry.dsn})
        program.start()
        until(lambda: len(sentry.requests) == 2, "what is on its way, and the child's")
        sentry.release()
        program.join()
    sent = [event["transaction"] for [(header, event)] in sentry.envelopes if header["type"] == "event"]
    assert sorted(sent) == ["of the child", "on the way", "waiting"]


def test_a_fork_does_not_fall_into_a_flush() -> None:
    """While the program's client is flushed, its children are forked with a client that works."""
    with FakeSentry().answers_late() as sentry:
        run("fork_in_flush", HOST_DSN=sentry.dsn)
