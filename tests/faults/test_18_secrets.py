"""Row 18: secrets in a job's arguments, its error and its local variables, and in the config."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jobreporter import ConfigError, Dispatcher, Job, Options, Secret, hookimpl
from jobreporter._dispatch.wiring import from_objects
from jobreporter.reporters.log import LogReporter
from jobreporter.testing import FileRecorder, Recorder

CANARY = "canary-7f3a9c"


def charge(amount: int, token: str, *, card: dict[str, Any] | None = None) -> None:
    """The job: what it was given, and what it makes of it, is in its local variables and its error."""
    headers = {"Authorization": f"Bearer {token}"}
    password = token[::-1][::-1]
    raise ConnectionError(f"postgres://shop:{password}@db/shop refused {token} with {headers} for {amount} {card}")


@pytest.mark.parametrize("locals", [False, True], ids=["", "with locals"])
def test_no_sink_shows_one(tmp_path: Path, locals: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Nested, positional, in a URL's userinfo, in a message or in locals: it is in no event, no line and no file."""
    caplog.set_level(logging.DEBUG)
    recorder = Recorder()
    reporters = {"text": LogReporter, "json": LogReporter, "file": FileRecorder, "recorder": recorder}
    tables = {"text": {}, "json": {"format": "json", "max_length": 100_000}, "file": {"path": str(tmp_path / "calls")}}
    config = {"reporters": tables, "capture": {"locals": locals}}
    with Dispatcher(reporters, config=config) as dispatcher:
        reported = dispatcher.reported(charge)
        with pytest.raises(ConnectionError):
            reported(5, CANARY, card={"deep": [{"api_key": CANARY, "cvv": 7}]})
        with dispatcher.begin("fetch", args=(f"https://ann:{CANARY}@host/",), kwargs={"dbPassword": CANARY}):
            pass
    assert CANARY.encode() not in msgspec.json.encode(recorder.events)
    assert CANARY not in caplog.text
    assert CANARY not in (tmp_path / "calls").read_text()
    assert "amount" in (tmp_path / "calls").read_text() or not locals, "what is no secret is there"
    assert len(recorder.events) == 6


class PagerOptions(Options):
    """What the reporter is configured with."""

    token: Secret
    retries: int = 3


class Pager:
    """A reporter that crashes on everything, and says with what in hand."""

    @hookimpl
    def reporter_start(self, options: PagerOptions) -> PagerOptions:
        return options

    @hookimpl
    def handle_started(self, job: Job, state: PagerOptions) -> None:
        raise ValueError(f"with {state!r} {state.token} {state.token!r} {[state]}")


@pytest.mark.parametrize(
    "wrong",
    [{"token": CANARY, "retries": CANARY}, {"token": CANARY, "tokn": CANARY}, {"token": [CANARY]}, {"retries": CANARY}],
    ids=["wrong type", "unknown option", "list", "missing"],
)
def test_no_config_error_shows_one(wrong: dict[str, Any]) -> None:
    """A config that is wrong is told without quoting what it holds."""
    with pytest.raises(ConfigError) as caught:
        Dispatcher({"pager": Pager}, config={"reporters": {"pager": wrong}})
    assert CANARY not in str(caught.value) + repr(caught.value)


def shown_by(dispatcher: Dispatcher) -> str:
    return repr(dispatcher.stats())


@pytest.mark.parametrize("show", [repr, str, shown_by])
def test_no_repr_shows_one(show: Callable[[Any], str], caplog: pytest.LogCaptureFixture) -> None:
    """Neither the config, nor the options, nor what a reporter says of them when it crashes."""
    caplog.set_level(logging.DEBUG)
    table = {"token": CANARY}
    wiring = from_objects({"pager": Pager}, {"reporters": {"pager": table}})
    assert CANARY not in repr(wiring.factories[0].prepare().options)
    with Dispatcher({"pager": Pager}, config={"reporters": {"pager": table}}) as dispatcher:
        for _ in range(5):
            dispatcher.begin("a")
        dispatcher.close(20)
    assert CANARY not in show(dispatcher) + caplog.text
