"""When Sentry is in trouble, or has had enough."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from jobreporter.testing import make_event
from jobreporter_sentry._losses import INTERVAL, Losses

from .conftest import MakeDispatcher
from .fake_sentry import Loopback


def nowhere() -> str:
    """A DSN at whose port nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://public@127.0.0.1:{free.getsockname()[1]}/1"


def test_a_rate_limit_is_honoured_and_counted(
    make_dispatcher: MakeDispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    """After a 429 with Retry-After nothing is sent, and all that is lost is counted in the log."""
    with Loopback((429, {"Retry-After": "60"})).serving() as sentry:
        dispatcher = make_dispatcher(dsn=sentry.dsn)
        for _ in range(5):
            dispatcher.publish(make_event("failure"))
        assert dispatcher.flush(10.0)
        assert dispatcher.close(10.0)
        assert sentry.kinds == ["event"]
    stats = dispatcher.stats()["sentry"]
    assert (stats.handled, stats.failed, stats.restarts) == (5, 0, 0)
    first, last = [record.message for record in caplog.records if record.name == "jobreporter.sentry"]
    assert first == "Sentry has turned away 1 more events (in all: 1 status_429)"
    assert last == "Sentry has turned away 4 more events (in all: 1 status_429, 4 ratelimit_backoff)"


def test_a_limit_may_be_for_some_events(make_dispatcher: MakeDispatcher, caplog: pytest.LogCaptureFixture) -> None:
    """A limit for errors holds back no check-ins, and Sentry is told what was lost."""
    limits = {"X-Sentry-Rate-Limits": "60:error:organization"}
    with Loopback((200, limits)).serving() as sentry:
        dispatcher = make_dispatcher(dsn=sentry.dsn, monitors={"reports.nightly": {"slug": "nightly"}})
        for _ in range(2):
            dispatcher.publish(make_event("failure"))
        assert dispatcher.flush(10.0)
        kinds = sentry.kinds
    assert kinds == ["event", "check_in", "check_in", "client_report"]
    assert "1 ratelimit_backoff" in caplog.text


def test_what_was_not_waited_for_is_noticed_later(
    make_dispatcher: MakeDispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    """While there is a limit, the next flush waits, and it fails where something could not be sent."""
    limits = {"X-Sentry-Rate-Limits": "60:error:organization"}
    with Loopback((200, limits), (403, {})).serving() as sentry:
        dispatcher = make_dispatcher(dsn=sentry.dsn, monitors={"reports.nightly": {"slug": "nightly"}})
        dispatcher.publish(make_event("failure"))
        assert not dispatcher.flush(10.0)
        assert sentry.kinds == ["event", "check_in"]
    assert "crashed in reporter_flush: NotTaken: Sentry answered with status 403" in caplog.text


def test_a_passing_trouble_is_waited_for(make_dispatcher: MakeDispatcher) -> None:
    """After a 503 the event is sent again, under the same id, by which Sentry would know it twice."""
    with Loopback((503, {}), (502, {})).serving() as sentry:
        dispatcher = make_dispatcher(dsn=sentry.dsn)
        dispatcher.publish(make_event("failure"))
        assert dispatcher.flush(10.0)
        ids = {body["event_id"] for request in sentry.requests for _, body in request}
        assert sentry.kinds == ["event"] * 3
    assert len(ids) == 1
    assert dispatcher.stats()["sentry"].handled == 1


def test_a_lasting_trouble_fails_the_event(make_dispatcher: MakeDispatcher, caplog: pytest.LogCaptureFixture) -> None:
    """What Sentry has not taken within send_timeout is counted as failed, and not as handled."""
    with Loopback(*[(500, {})] * 100).serving() as sentry:
        dispatcher = make_dispatcher(dsn=sentry.dsn, send_timeout=0.5)
        dispatcher.publish(make_event("failure"))
        dispatcher.flush(10.0)
        assert 1 < len(sentry.requests) < 5
        sentry.answers.clear()
        dispatcher.publish(make_event("failure"))
        assert dispatcher.flush(10.0)
    stats = dispatcher.stats()["sentry"]
    assert (stats.failed, stats.handled, stats.status) == (1, 1, "running")
    assert "Sentry answered with status 500" in caplog.text


@pytest.mark.parametrize("status", [401, 403, 413])
def test_a_refused_event_is_not_sent_again(
    make_dispatcher: MakeDispatcher, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """Where waiting doesn't help, the event fails at once, and the status is told."""
    with Loopback((status, {})).serving() as sentry:
        dispatcher = make_dispatcher(dsn=sentry.dsn)
        dispatcher.publish(make_event("failure"))
        dispatcher.flush(10.0)
        assert len(sentry.requests) == 1
    assert dispatcher.stats()["sentry"].failed == 1
    assert f"Sentry answered with status {status}" in caplog.text


def test_a_sentry_that_is_down_fails_the_event(
    make_dispatcher: MakeDispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    """A refused connection is tried again until send_timeout."""
    dispatcher = make_dispatcher(dsn=nowhere(), send_timeout=0.3)
    dispatcher.publish(make_event("failure"))
    dispatcher.flush(10.0)
    assert dispatcher.stats()["sentry"].failed == 1
    assert "Sentry could not be reached" in caplog.text


def test_a_sentry_that_hangs_holds_up_nobody(make_dispatcher: MakeDispatcher, caplog: pytest.LogCaptureFixture) -> None:
    """The event fails after send_timeout, its lane is never wedged, and the thread is freed."""
    with Loopback(hang=True).serving() as sentry:
        dispatcher = make_dispatcher(dsn=sentry.dsn, send_timeout=0.3, lane={"timeout": 2.0})
        dispatcher.publish(make_event("failure"))
        dispatcher.flush(10.0)
        began = time.monotonic()
        dispatcher.close(5.0)
        assert time.monotonic() - began < 2.0
        stats = dispatcher.stats()["sentry"]
        assert (stats.failed, stats.abandoned, stats.pending) == (1, 0, 0)
        assert "Sentry has not answered within send_timeout = 0.3 s" in caplog.text
        sentry.release()
        for thread in threading.enumerate():
            if thread.name == "sentry-sdk.BackgroundWorker":
                thread.join(10.0)
                assert not thread.is_alive()


def test_a_burst_is_not_lost(make_dispatcher: MakeDispatcher) -> None:
    """The SDK has room for 100 events; the lane has more, and waits."""
    with Loopback().serving() as sentry:
        dispatcher = make_dispatcher(dsn=sentry.dsn)
        for _ in range(300):
            dispatcher.publish(make_event("failure"))
        assert dispatcher.flush(30.0)
        assert sentry.kinds == ["event"] * 300


@pytest.mark.parametrize("reachable", [True, False])
def test_check_says_whether_a_failure_arrives(tmp_path: Path, *, reachable: bool) -> None:
    """`jobreporter check --send` ends with 1, and a reason, if Sentry can't be reached."""
    with Loopback().serving() as sentry:
        dsn = sentry.dsn if reachable else nowhere()
        (tmp_path / "jobreporter.toml").write_text(f'[reporters.sentry]\ndsn = "{dsn}"\nsend_timeout = 2\n')
        check = [sys.executable, "-m", "jobreporter", "check", "--send"]
        done = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == (0 if reachable else 1)
    assert ("ok: took a test failure" in done.stdout) == reachable
    assert ("Sentry could not be reached" in done.stdout) != reachable


def test_losses_are_told_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    """The first loss is told at once, further ones every 30 seconds, and the rest at the end."""
    now = 0.0
    losses = Losses(lambda: now)
    for now in (1.0, 2.0, INTERVAL, INTERVAL + 1.0, INTERVAL + 2.0):  # noqa: B007 - read by the clock
        losses.add([("ratelimit_backoff", 1), ("sample_rate", 1)])
    losses.tell()
    losses.tell()
    assert [record.message for record in caplog.records] == [
        "Sentry has turned away 1 more events (in all: 1 ratelimit_backoff)",
        "Sentry has turned away 3 more events (in all: 4 ratelimit_backoff)",
        "Sentry has turned away 1 more events (in all: 5 ratelimit_backoff)",
    ]
    assert losses.counts == {"ratelimit_backoff": 5, "sample_rate": 5}
