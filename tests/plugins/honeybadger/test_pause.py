"""A server that refuses the key, asks for a pause or is gone is left alone, and the reporter says why."""

from __future__ import annotations

import time
from typing import Any

import pytest

from jobreporter import Dispatcher
from jobreporter.testing import Answer, make_event
from jobreporter_honeybadger import _account
from jobreporter_honeybadger._account import KEY_PAUSE
from tests.ports import free_port
from tests.waiting import until

from .conftest import MakeDispatcher
from .fake_honeybadger import FakeHoneybadger


def stats(dispatcher: Dispatcher) -> Any:
    return dispatcher.stats()["honeybadger"]


def fail(dispatcher: Dispatcher, count: int = 1) -> None:
    for _ in range(count):
        dispatcher.publish(make_event("failure"))


def is_broken(dispatcher: Dispatcher) -> bool:
    found = stats(dispatcher)
    return bool(found.status == "broken" and found.reason)


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_refused_key_breaks_the_reporter(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, status: int
) -> None:
    """The ledger says ``broken`` and why; one event failed, and the others wait, with one request in all."""
    honeybadger.next(Answer(status, b'{"error": "account suspended"}'))
    dispatcher = dispatcher_of()
    fail(dispatcher, 20)
    until(lambda: is_broken(dispatcher), "the reporter's being broken")
    found = stats(dispatcher)
    assert f"Honeybadger refuses the api_key ({status}: account suspended)" in found.reason
    assert "asked again after 5 minutes" in found.reason
    assert (found.failed, found.pending, found.handled) == (1, 19, 0)
    assert len(honeybadger.requests) == 1


def test_a_refused_key_is_not_tried_again_by_each_start(
    honeybadger: FakeHoneybadger,
    dispatcher_of: MakeDispatcher,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The reporter is started again and again, as jobreporter's backoff has it, and none of these starts asks the server.

    When the pause is over, the next event does.
    """
    caplog.set_level("DEBUG", "jobreporter")
    dispatcher = dispatcher_of(api_key="hbp_wrong")
    fail(dispatcher, 3)

    def starts() -> int:
        return sum("did not start" in record.getMessage() for record in caplog.records)

    until(lambda: starts() >= 4, "four starts")
    assert len(honeybadger.requests) == 1
    later = time.monotonic() + KEY_PAUSE
    monkeypatch.setattr(_account, "monotonic", lambda: later)
    until(lambda: len(honeybadger.requests) == 2, "a second request")
    until(lambda: is_broken(dispatcher), "the reporter's being broken again")
    assert (stats(dispatcher).failed, stats(dispatcher).pending) == (2, 1)
    assert "hbp_wrong" not in caplog.text


def test_another_reporter_with_the_refused_key_asks_no_more(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher
) -> None:
    """What the server said of a key holds for every reporter of the process that uses it there."""
    first, second = dispatcher_of(api_key="hbp_wrong"), dispatcher_of(api_key="hbp_wrong")
    fail(first)
    until(lambda: is_broken(first), "the first one's being broken")
    fail(second)
    until(lambda: is_broken(second), "the second one's being broken")
    assert (stats(second).failed, stats(second).pending) == (0, 1)
    assert len(honeybadger.requests) == 1


def test_another_key_works_at_once(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is read again at each start: once it is set right, what waited is sent."""
    monkeypatch.setenv("HONEYBADGER_KEY", "hbp_wrong")
    dispatcher = dispatcher_of(api_key={"env": "HONEYBADGER_KEY"})
    fail(dispatcher, 3)
    until(lambda: is_broken(dispatcher), "the reporter's being broken")
    monkeypatch.setenv("HONEYBADGER_KEY", "hbp_0123456789abcdef")
    until(lambda: stats(dispatcher).handled == 2, "the delivery of what waited")
    found = stats(dispatcher)
    assert (found.failed, found.handled, found.status, found.reason) == (1, 2, "running", None)


def test_closing_during_a_pause_is_quick(honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher) -> None:
    """The last try before closing asks the server no more, and what waited is counted as lost."""
    dispatcher = dispatcher_of(api_key="hbp_wrong")
    fail(dispatcher, 3)
    until(lambda: is_broken(dispatcher), "the reporter's being broken")
    dispatcher.close(5)
    assert stats(dispatcher).dropped == {"closed": 2}
    assert len(honeybadger.requests) == 1


def test_a_long_retry_after_costs_no_event(honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher) -> None:
    """They wait until the pause is over; the ledger says why, and a flush that can't wait so long is told at once."""
    honeybadger.next(Answer(429, b'{"error": "slow down"}', headers={"Retry-After": "60"}))
    dispatcher = dispatcher_of()
    fail(dispatcher, 3)
    until(lambda: stats(dispatcher).status == "backing_off" and stats(dispatcher).reason, "the pause")
    assert "Honeybadger answered 429: slow down" in stats(dispatcher).reason
    assert not dispatcher.flush(20)
    found = stats(dispatcher)
    assert (found.pending, found.failed, found.restarts, len(honeybadger.requests)) == (3, 0, 0, 1)
    dispatcher.close(0.5)
    assert stats(dispatcher).dropped == {"closed": 3}


def test_a_server_that_is_gone_costs_no_event(honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher) -> None:
    """Nobody listens: the events wait, with the reason in the ledger."""
    dispatcher = dispatcher_of(endpoint=f"http://127.0.0.1:{free_port()}")
    fail(dispatcher, 10)
    until(lambda: stats(dispatcher).retries >= 3, "three tries")
    found = stats(dispatcher)
    assert "Honeybadger can't be reached: " in found.reason
    assert "refused" in found.reason
    assert "0x" not in found.reason, "it names no address in memory"
    assert (found.failed, found.pending) == (0, 10)
    dispatcher.close(0.5)
