"""When Sentry is in trouble, or has had enough."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from math import nan
from pathlib import Path

import pytest
from sentry_sdk import Client
from sentry_sdk.envelope import Envelope, Item, PayloadRef

from jobreporter.testing import Answer, endless, make_event, make_job, redirect
from jobreporter_sentry._losses import INTERVAL, Losses
from jobreporter_sentry._transport import TellingTransport
from tests.ports import free_port

from .conftest import MakeDispatcher
from .fake_sentry import FakeSentry


def nowhere() -> str:
    """A DSN at whose port nobody listens."""
    return f"http://public@127.0.0.1:{free_port()}/1"


@pytest.mark.parametrize(
    "limit",
    [
        {"Retry-After": "60"},
        {},
        {"Retry-After": "soon"},
        {"Retry-After": "-5"},
        {"X-Sentry-Rate-Limits": "99999999999999:error:key"},
    ],
    ids=str,
)
def test_a_rate_limit_is_honoured_and_costs_nothing(make_dispatcher: MakeDispatcher, limit: dict[str, str]) -> None:
    """After a 429 nothing is sent, the events wait, and the ledger says why: also where a proxy's limit can't be read."""
    with FakeSentry(Answer(429, headers=limit)) as sentry:
        dispatcher = make_dispatcher(dsn=sentry.dsn)
        for number in range(5):
            dispatcher.publish(make_event("failure", job=make_job(execution_id=str(number))))
        assert not dispatcher.flush(10.0)
        stats = dispatcher.stats()["sentry"]
        assert (stats.pending, stats.failed, stats.restarts, stats.status) == (5, 0, 0, "backing_off")
        assert "Sentry answered with status 429" in str(stats.reason)
        assert not dispatcher.close(1.0)
        assert sentry.kinds == ["event"]
    assert dispatcher.stats()["sentry"].dropped == {"closed": 5}


def test_a_limit_may_be_for_some_events(make_dispatcher: MakeDispatcher) -> None:
    """A limit for errors holds back the next failure, and no check-in before it."""
    limits = {"X-Sentry-Rate-Limits": "60:error:organization"}
    with FakeSentry(Answer(200, headers=limits)) as sentry:
        dispatcher = make_dispatcher(dsn=sentry.dsn, monitors={"reports.nightly": {"slug": "nightly"}})
        for _ in range(2):
            dispatcher.publish(make_event("failure", at=time.time()))
        assert not dispatcher.flush(10.0)
        assert sentry.kinds == ["event", "check_in"]
        stats = dispatcher.stats()["sentry"]
        assert (stats.pending, stats.unflushed) == (2, 1)
        assert "Sentry has set a limit" in str(stats.reason)


def test_what_the_sdk_keeps_quiet_about_is_told() -> None:
    """On its own thread it swallows errors: nobody else would know that an envelope was never sent."""
    with FakeSentry() as sentry, Client(sentry.dsn, transport=TellingTransport, default_integrations=False) as client:
        transport = client.transport
        assert isinstance(transport, TellingTransport)
        transport.capture_envelope(Envelope(items=[Item(PayloadRef(json={"nothing": nan}), type="event")]))
        client.flush(10.0)
        assert sentry.kinds == []
    assert list(transport.failures) == ["ValueError"]


def test_a_redirect_is_not_followed(make_dispatcher: MakeDispatcher, caplog: pytest.LogCaptureFixture) -> None:
    """The event and the key go to one host alone; a redirect is an answer like any other that is no success."""
    with FakeSentry() as elsewhere, FakeSentry(redirect(f"{elsewhere.url}/")) as sentry:
        dispatcher = make_dispatcher(dsn=sentry.dsn)
        dispatcher.publish(make_event("failure"))
        dispatcher.flush(10.0)
        assert (len(sentry.requests), len(elsewhere.requests)) == (1, 0)
    assert dispatcher.stats()["sentry"].failed == 1
    assert "Sentry answered with status 307" in caplog.text


@pytest.mark.parametrize("status", [301, 302, 303, 308])
def test_no_redirect_is_followed(make_dispatcher: MakeDispatcher, status: int) -> None:
    """Of whatever kind it is, and for check-ins too."""
    with FakeSentry() as elsewhere, FakeSentry(*[redirect(f"{elsewhere.url}/", status)] * 2) as sentry:
        dispatcher = make_dispatcher(dsn=sentry.dsn, monitors={"reports.nightly": {"slug": "nightly"}})
        dispatcher.publish(make_event("failure"))
        dispatcher.publish(make_event("success", at=time.time()))
        dispatcher.flush(10.0)
        assert sentry.kinds == ["event", "check_in"]
        assert elsewhere.requests == []


def test_an_answer_is_read_within_bounds(make_dispatcher: MakeDispatcher) -> None:
    """A server that never stops talking holds up nobody."""
    with FakeSentry(endless) as sentry:
        dispatcher = make_dispatcher(dsn=sentry.dsn)
        dispatcher.publish(make_event("failure"))
        assert dispatcher.flush(10.0)
        assert len(sentry.requests) == 1


def test_a_passing_trouble_is_waited_for(make_dispatcher: MakeDispatcher) -> None:
    """After a 503 the event is sent again, under the same id, by which Sentry would know it twice."""
    with FakeSentry(Answer(503), Answer(502)) as sentry:
        dispatcher = make_dispatcher(dsn=sentry.dsn)
        dispatcher.publish(make_event("failure"))
        assert dispatcher.flush(10.0)
        ids = {body["event_id"] for envelope in sentry.envelopes for _, body in envelope}
        assert sentry.kinds == ["event"] * 3
    assert len(ids) == 1
    assert dispatcher.stats()["sentry"].handled == 1


def test_a_lasting_trouble_costs_no_event(make_dispatcher: MakeDispatcher, caplog: pytest.LogCaptureFixture) -> None:
    """The event waits for as long as Sentry is in trouble, and arrives when that is over."""
    with FakeSentry(*[Answer(500)] * 4) as sentry:
        dispatcher = make_dispatcher(dsn=sentry.dsn, send_timeout=0.5)
        dispatcher.publish(make_event("failure"))
        assert dispatcher.flush(20.0)
        assert len(sentry.requests) == 5
    stats = dispatcher.stats()["sentry"]
    assert (stats.failed, stats.handled, stats.status, stats.retries) == (0, 1, "running", 4)
    assert "Sentry answered with status 500" in caplog.text


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (400, ""),
        (401, ": it does not accept the key of the dsn"),
        (403, ": the project of the dsn takes nothing from this key"),
        (404, ": there is no such project at the address of the dsn"),
        (413, ": the event is too large for it"),
    ],
)
def test_a_refused_event_is_not_sent_again(
    make_dispatcher: MakeDispatcher, caplog: pytest.LogCaptureFixture, status: int, told: str
) -> None:
    """Where waiting doesn't help, the event fails at once, and the status is told with what it means."""
    with FakeSentry(Answer(status)) as sentry:
        dispatcher = make_dispatcher(dsn=sentry.dsn)
        dispatcher.publish(make_event("failure"))
        dispatcher.flush(10.0)
        assert len(sentry.requests) == 1
    assert dispatcher.stats()["sentry"].failed == 1
    assert f"Sentry answered with status {status}{told}\n" in caplog.text


def test_a_sentry_that_is_down_costs_no_event(make_dispatcher: MakeDispatcher) -> None:
    """A refused connection is tried again, and the ledger says what is wrong."""
    dispatcher = make_dispatcher(dsn=nowhere(), send_timeout=0.3)
    dispatcher.publish(make_event("failure"))
    assert not dispatcher.flush(0.5)
    stats = dispatcher.stats()["sentry"]
    assert (stats.pending, stats.failed) == (1, 0)
    assert "Sentry could not be reached" in str(stats.reason)
    dispatcher.close(0.1)


def test_a_sentry_that_hangs_holds_up_nobody(make_dispatcher: MakeDispatcher, caplog: pytest.LogCaptureFixture) -> None:
    """The event waits, its lane is never wedged, and at the end the thread is freed."""
    with FakeSentry().answers_late() as sentry:
        dispatcher = make_dispatcher(dsn=sentry.dsn, send_timeout=0.3, lane={"timeout": 2.0})
        dispatcher.publish(make_event("failure"))
        assert not dispatcher.flush(0.5)
        began = time.monotonic()
        dispatcher.close(1.0)
        assert time.monotonic() - began < 3.0
        stats = dispatcher.stats()["sentry"]
        assert (stats.abandoned, stats.pending, stats.lost) == (0, 0, 1)
        assert "Sentry has not answered within send_timeout = 0.3 s" in caplog.text
        sentry.release()
        for thread in threading.enumerate():
            if thread.name == "sentry-sdk.BackgroundWorker":
                thread.join(10.0)
                assert not thread.is_alive()


def test_a_burst_is_not_lost(make_dispatcher: MakeDispatcher) -> None:
    """The SDK has room for 100 events; the lane has more, and waits."""
    with FakeSentry() as sentry:
        dispatcher = make_dispatcher(dsn=sentry.dsn)
        for _ in range(300):
            dispatcher.publish(make_event("failure"))
        assert dispatcher.flush(30.0)
        assert sentry.kinds == ["event"] * 300


@pytest.mark.parametrize("reachable", [True, False])
def test_check_says_whether_a_failure_arrives(tmp_path: Path, *, reachable: bool) -> None:
    """`jobreporter check --send` ends with 1, and a reason, if Sentry can't be reached."""
    with FakeSentry() as sentry:
        dsn = sentry.dsn if reachable else nowhere()
        waits = "" if reachable else "send_timeout = 0.5\nlane.timeout = 1"  # for which nobody need wait here
        (tmp_path / "jobreporter.toml").write_text(f'[reporters.sentry]\ndsn = "{dsn}"\n{waits}\n')
        check = [sys.executable, "-m", "jobreporter", "check", "--send"]
        done = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == (0 if reachable else 1)
    assert ("took a test failure" in done.stdout) == reachable
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
