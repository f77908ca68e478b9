"""Without a dsn: the client that the program has made for itself."""

from __future__ import annotations

import time
from typing import Any

import pytest
import sentry_sdk

from jobreporter import Dispatcher, Frame
from jobreporter.testing import make_error, make_event
from tests.waiting import until

from .conftest import MakeDispatcher
from .fake_sentry import Kent


def init(kent: Kent, **options: Any) -> None:
    """What a program does."""
    sentry_sdk.init(kent.dsn, default_integrations=False, auto_enabling_integrations=False, **options)


def publish(dispatcher: Dispatcher, **fields: Any) -> None:
    dispatcher.publish(make_event("failure", **fields))
    assert dispatcher.flush(10.0)


def test_without_a_client_it_is_broken_until_there_is_one(
    kent: Kent, make_dispatcher: MakeDispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    """It says what to do. Once the program has a client, what has waited is delivered."""
    dispatcher = make_dispatcher()
    dispatcher.publish(make_event("failure"))
    assert not dispatcher.flush(0.05)
    stats = dispatcher.stats()["sentry"]
    assert stats.status == "broken"
    assert "no Sentry client is active in this process: call sentry_sdk.init() first, or set the option dsn" in str(
        stats.reason
    )
    init(kent)
    until(lambda: dispatcher.stats()["sentry"].handled == 1)
    assert dispatcher.flush(10.0)
    assert len(kent.items()) == 1


@pytest.mark.parametrize("dsn", ["", "http://public@127.0.0.1:9/1"])
def test_a_client_that_sends_nothing_is_none(
    make_dispatcher: MakeDispatcher, caplog: pytest.LogCaptureFixture, dsn: str
) -> None:
    """A client without a DSN, or one that was closed, would take events and lose them."""
    sentry_sdk.init(dsn, default_integrations=False, auto_enabling_integrations=False)
    sentry_sdk.get_client().close()
    dispatcher = make_dispatcher()
    dispatcher.start()
    dispatcher.close(10.0)
    assert "the program's own Sentry client is closed or has no DSN, so it sends nothing" in caplog.text


def test_events_go_through_the_programs_client(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """With its environment, its release, and what it says of all its events; it stays open."""
    init(kent, environment="of the program", release="program@1")
    sentry_sdk.get_global_scope().set_tag("region", "eu")
    sentry_sdk.get_isolation_scope().set_tag("request", "of this thread")
    dispatcher = make_dispatcher(context={"environment": "of jobreporter", "release": "x"})
    publish(dispatcher)
    assert dispatcher.close(10.0)
    sentry_sdk.capture_message("still open")
    sentry_sdk.flush(10.0)
    event, message = kent.items()
    assert (event["environment"], event["release"]) == ("of the program", "program@1")
    assert event["tags"]["region"] == "eu"
    assert "request" not in event["tags"]
    assert event["transaction"] == "reports.nightly"
    assert event["exception"]["values"][0]["mechanism"]["type"] == "jobreporter"
    assert message["message"] == "still open"


def test_the_programs_before_send_sees_the_exception(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """It gets the error as `exc_info`, as it does for any other event, and may drop or change the event."""
    seen: list[BaseException] = []

    def before_send(event: Any, hint: Any) -> Any:
        seen.append(hint["exc_info"][1])
        return None if str(seen[-1]) == "expected" else event

    init(kent, before_send=before_send)
    dispatcher = make_dispatcher()
    publish(dispatcher, error=make_error(message="expected"))
    publish(dispatcher, error=make_error(message="boom"))
    assert [isinstance(each, ValueError) for each in seen] == [True, True]
    assert kent.only()["exception"]["values"][0]["value"] == "boom"


def test_the_programs_ignore_errors_counts(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """An error that the program's client ignores is not sent."""
    init(kent, ignore_errors=[LookupError])
    dispatcher = make_dispatcher()
    publish(dispatcher, error=make_error("builtins.KeyError"))
    publish(dispatcher, error=make_error("builtins.ValueError"))
    assert kent.only()["exception"]["values"][0]["type"] == "ValueError"


def test_the_programs_in_app_counts(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """What the program includes and excludes is added to the options."""
    init(kent, in_app_include=["theirs"], in_app_exclude=["shop"])
    path = "/venv/lib/python3.11/site-packages/x.py"
    frames = (
        Frame(filename=path, lineno=1, function="f", module="theirs.x"),
        Frame(filename=path, lineno=1, function="f", module="ours.x"),
        Frame(filename="/srv/shop.py", lineno=1, function="f", module="shop"),
    )
    publish(make_dispatcher(in_app_include=["ours"]), error=make_error(frames=frames))
    found = kent.only()["exception"]["values"][0]["stacktrace"]["frames"]
    assert [frame["in_app"] for frame in found] == [True, True, False]


def test_check_ins_and_messages_go_the_same_way(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """They bear the program's environment."""
    init(kent, environment="of the program")
    dispatcher = make_dispatcher(monitors={"reports.nightly": {"slug": "nightly"}}, aborted="message")
    dispatcher.publish(make_event("started", at=time.time()))
    dispatcher.publish(make_event("aborted", reason="locked", at=time.time()))
    assert dispatcher.flush(10.0)
    assert [item["status"] for item in kent.items("check_in")] == ["in_progress", "ok"]
    assert kent.items("check_in")[0]["environment"] == "of the program"
    assert kent.only()["message"] == "reports.nightly was aborted: locked"
