"""With a dsn: a client of the reporter's own, which leaves no trace beside the program's."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import warnings
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.client import SDK_INFO
from sentry_sdk.integrations import _installed_integrations
from sentry_sdk.profiler import continuous_profiler
from sentry_sdk.scope import global_event_processors

from jobreporter import ConfigError, Context, Dispatcher, Secret
from jobreporter.testing import make_event
from jobreporter_sentry import SentryOptions, SentryReporter
from jobreporter_sentry._own import OwnOutlet

from .conftest import MakeDispatcher
from .fake_sentry import Kent

CONTEXT = Context(host="host", pid=1, version="0", stats=dict)


def publish(dispatcher: Dispatcher) -> None:
    dispatcher.publish(make_event("failure"))
    assert dispatcher.flush(10.0)


def workers() -> set[threading.Thread]:
    """The threads that sentry-sdk sends from. One of an earlier test may be about to end."""
    return {thread for thread in threading.enumerate() if thread.name == "sentry-sdk.BackgroundWorker"}


def surroundings() -> dict[str, Any]:
    """What belongs to the process, or to the program's own Sentry."""
    loggers = {"": logging.root, **logging.root.manager.loggerDict}
    return {
        "signals": {each: signal.getsignal(each) for each in signal.valid_signals()},
        "hooks": (sys.excepthook, threading.excepthook, sys.unraisablehook),
        "loggers": {
            name: (logger.level, logger.propagate, [*logger.handlers], [*logger.filters])
            for name, logger in loggers.items()
            if isinstance(logger, logging.Logger)
        },
        "warnings": [*warnings.filters],
        "thread": (threading.Thread.start, threading.Thread.run),
        "client": sentry_sdk.get_client(),
        "options": repr(sentry_sdk.get_client().options),
        "sdk": dict(SDK_INFO),
        "integrations": set(_installed_integrations),
        "processors": [*global_event_processors],
        "profiler": continuous_profiler._scheduler,
    }


def test_the_programs_own_sentry_is_not_touched(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """Its client, the SDK's name in its events, its profiler, hooks, signals and logging are as they were."""
    sentry_sdk.init(dsn=kent.dsn.replace("/1", "/2"), environment="of the program", default_integrations=False)
    SDK_INFO["name"] = "sentry.python.django"
    try:
        before = surroundings()
        dispatcher = make_dispatcher(dsn=kent.dsn, context={"environment": "of the reporter"})
        publish(dispatcher)
        during = surroundings()
        # The reporter's own logger is made when it is loaded, and hides the secrets of its options.
        foreign = [name for name in before["loggers"] if name.partition(".")[0] != "jobreporter"]
        assert {name: during["loggers"][name] for name in foreign} == {
            name: before["loggers"][name] for name in foreign
        }
        assert during | {"loggers": None} == before | {"loggers": None}
        assert dispatcher.close(10.0)
        assert surroundings() | {"loggers": None} == before | {"loggers": None}
        sentry_sdk.capture_message("of the program")
        sentry_sdk.flush(10.0)
    finally:
        SDK_INFO["name"] = "sentry.python"
    ours, theirs = kent.items()
    assert (ours["environment"], theirs["environment"]) == ("of the reporter", "of the program")
    assert (ours["sdk"]["name"], theirs["sdk"]["name"]) == ("sentry.python", "sentry.python.django")
    assert ours["sdk"]["integrations"] == ["jobreporter"]


def test_no_integration_is_enabled(kent: Kent) -> None:
    """The client has none, and neither monitor nor spotlight."""
    outlet = OwnOutlet(SentryOptions(), Secret(kent.dsn), CONTEXT)
    assert outlet.client.integrations == {}
    assert outlet.client.monitor is None
    assert outlet.client.spotlight is None
    outlet.close()


def test_the_thread_ends_with_the_reporter(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """A closed reporter has no thread left."""
    before = workers()
    dispatcher = make_dispatcher(dsn=kent.dsn)
    publish(dispatcher)
    [worker] = workers() - before
    assert dispatcher.close(10.0)
    worker.join(10.0)
    assert not worker.is_alive()


def test_without_a_failure_there_is_no_thread(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """A process whose jobs all go well connects to nothing."""
    before = workers()
    dispatcher = make_dispatcher(dsn=kent.dsn)
    dispatcher.start()
    dispatcher.publish(make_event("success"))
    assert dispatcher.flush(10.0)
    assert workers() <= before


def test_environment_and_release_have_their_order(
    kent: Kent, make_dispatcher: MakeDispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The option counts first, then [context], then what the SDK's own variable says; git is not asked."""
    publish(make_dispatcher(dsn=kent.dsn))
    monkeypatch.setenv("SENTRY_ENVIRONMENT", "variable")
    monkeypatch.setenv("SENTRY_RELEASE", "variable@1")
    publish(make_dispatcher(dsn=kent.dsn))
    context = {"environment": "context", "release": "context@1"}
    publish(make_dispatcher(dsn=kent.dsn, context=context))
    publish(make_dispatcher(dsn=kent.dsn, context=context, environment="option", release="option@1"))
    assert [(event["environment"], event.get("release")) for event in kent.items()] == [
        ("production", None),
        ("variable", "variable@1"),
        ("context", "context@1"),
        ("option", "option@1"),
    ]


def test_options_of_the_sdk_reach_it(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """server_name, dist and max_value_length are in the events."""
    publish(make_dispatcher(dsn=kent.dsn, server_name="till-3", dist="a1", max_value_length=100))
    event = kent.only()
    assert (event["server_name"], event["dist"]) == ("till-3", "a1")
    outlet = OwnOutlet(
        SentryOptions(https_proxy=Secret("http://proxy:1"), dsn=Secret(kent.dsn)), Secret(kent.dsn), CONTEXT
    )
    assert outlet.client.options["https_proxy"] == "http://proxy:1"
    outlet.close()


def test_the_host_is_the_server(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """Without server_name it is what jobreporter calls the host."""
    publish(make_dispatcher(dsn=kent.dsn))
    assert kent.only()["server_name"] == os.uname().nodename


def test_events_can_be_sampled(kent: Kent, make_dispatcher: MakeDispatcher, caplog: pytest.LogCaptureFixture) -> None:
    """What `sample_rate` holds back is no loss to be told of."""
    dispatcher = make_dispatcher(dsn=kent.dsn, sample_rate=0.0)
    publish(dispatcher)
    assert dispatcher.close(10.0)
    assert kent.items() == []
    assert [record.message for record in caplog.records if record.name == "jobreporter.sentry"] == []


NO_DSN = [
    "c4nary",
    "http://c4nary/1",
    "http://c4nary@127.0.0.1:9/x",
    "http://c4nary@127.0.0.1:x/1",
    '"http://c4nary@h/1"',
]
EXPECTED = "expected dsn to be as Sentry shows it: 'https://', a key, '@', a host, '/', and a project's number"


@pytest.mark.parametrize("dsn", NO_DSN)
def test_what_is_no_dsn_is_refused(make_dispatcher: MakeDispatcher, dsn: str) -> None:
    """Beside whatever else is wrong, and without quoting what may be a secret."""
    with pytest.raises(ConfigError) as caught:
        make_dispatcher(dsn=dsn, sample_rate=2, send_timeout=0)
    told = [fault.problem.partition(" to be ")[0] for fault in caught.value.faults]
    assert told == ["expected sample_rate", "expected send_timeout", "expected dsn"]
    assert EXPECTED in str(caught.value)
    assert "c4nary" not in str(caught.value)


@pytest.mark.parametrize("dsn", NO_DSN)
def test_a_variable_that_holds_no_dsn_breaks_the_reporter(
    make_dispatcher: MakeDispatcher, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, dsn: str
) -> None:
    """The worker goes on without it, and the log says it in words of which nothing is hidden."""
    monkeypatch.setenv("SHOP_DSN", dsn)
    dispatcher = make_dispatcher(dsn={"env": "SHOP_DSN"})
    dispatcher.start()
    dispatcher.close(10.0)
    assert EXPECTED in caplog.text
    assert "c4nary" not in caplog.text


def test_it_starts_again_after_a_crash(kent: Kent) -> None:
    """The state of one life is not that of the next: there is a new client, and the old one is closed."""
    lives: list[SentryReporter] = []

    class Crashing(SentryReporter):
        def __init__(self) -> None:
            lives.append(self)

    dispatcher = Dispatcher(reporters={"sentry": Crashing}, config={"reporters": {"sentry": {"dsn": kent.dsn}}})
    dispatcher.publish(make_event("failure"))
    assert dispatcher.flush(10.0)
    lives[0]._events = None  # type: ignore[assignment]
    dispatcher.publish(make_event("failure"))
    dispatcher.publish(make_event("failure"))
    dispatcher.flush(10.0)
    stats = dispatcher.stats()["sentry"]
    assert (stats.handled, stats.failed, stats.restarts) == (2, 1, 1)
    assert dispatcher.close(10.0)
    assert len(kent.items()) == 2
    first, second = lives
    assert first._outlet is not second._outlet
