"""The reporter away from the workers: nothing of its own process is taken for theirs."""

from __future__ import annotations

import linecache
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from jobreporter import Context, Failure, Frame, Origin, Secret, Success
from jobreporter.testing import make_error, make_event
from jobreporter_sentry import Monitor, SentryOptions, SentryReporter

from .fake_sentry import Kent

AGENT = Context(host="agent-1", pid=os.getpid(), version="1", stats=dict, environment="agents", release="agent@2")
WORKER = Origin(host="web-3", pid=4711, version="1", service="shop", environment="production", release="shop@7")


@pytest.fixture
def reporter(kent: Kent) -> Iterator[SentryReporter]:
    """One that was started in an agent."""
    started = SentryReporter()
    options = SentryOptions(dsn=Secret(kent.dsn), monitors={"reports.nightly": Monitor(slug="nightly")})
    started.reporter_start(options, AGENT)
    yield started
    started.reporter_stop()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A file of source."""
    path = tmp_path / "shop.py"
    path.write_text("first = 1\nraise ValueError(first)\nlast = 3\n")
    return path


def failure(path: Path) -> Failure:
    frame = Frame(filename=str(path), lineno=2, function="f", line="raise ValueError(first)", in_app=True)
    event = make_event("failure", error=make_error(frames=(frame,)))
    assert isinstance(event, Failure)
    return event


def frame_of(event: dict[str, Any]) -> dict[str, Any]:
    (frame,) = event["exception"]["values"][0]["stacktrace"]["frames"]
    assert isinstance(frame, dict)
    return frame


def test_files_of_another_machine_are_not_looked_for_here(reporter: SentryReporter, kent: Kent, shop: Path) -> None:
    """A file of that name may be here, with the same line and another text around it."""
    reporter.handle_failure(failure(shop), WORKER)
    frame = frame_of(kent.only())
    assert frame["context_line"] == "raise ValueError(first)"
    assert not frame.keys() & {"pre_context", "post_context"}


def test_files_of_this_machine_are_read_anew(reporter: SentryReporter, kent: Kent, shop: Path) -> None:
    """An agent outlives many deployments of the workers, and this process may have read the file before them."""
    linecache.getlines(str(shop))
    shop.write_text("second = 2\nraise ValueError(first)\nnew = 4\n")
    reporter.handle_failure(failure(shop), replace(WORKER, host="agent-1"))
    frame = frame_of(kent.only())
    assert (frame["pre_context"], frame["post_context"]) == (["second = 2"], ["new = 4"])


def test_what_runs_the_agent_is_not_the_workers(reporter: SentryReporter, kent: Kent, shop: Path) -> None:
    """Neither its Python nor its deployment. In its own events it is."""
    reporter.handle_failure(failure(shop), WORKER)
    event = kent.only()
    assert "runtime" not in event["contexts"]
    assert (event["environment"], event["release"], event["server_name"]) == ("production", "shop@7", "web-3")
    kent.forget()
    reporter.handle_failure(failure(shop), AGENT.origin)
    assert "runtime" in kent.only()["contexts"]


def test_a_check_in_is_of_the_workers_environment(reporter: SentryReporter, kent: Kent) -> None:
    """Sentry keeps a monitor's environments apart."""
    success = make_event("success", at=time.time())
    assert isinstance(success, Success)
    reporter.handle_success(success, WORKER)
    check_in = kent.only("check_in")
    assert (check_in["environment"], check_in["release"]) == ("production", "shop@7")
