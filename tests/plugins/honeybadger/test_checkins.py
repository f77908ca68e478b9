"""Jobs that check in when they succeed."""

from __future__ import annotations

import time
from typing import Any

import pytest

from jobreporter.testing import Answer, make_event, make_job

from .conftest import MakeDispatcher
from .fake_honeybadger import FakeHoneybadger

NIGHTLY = make_job(name="reports.nightly")


def checkins(honeybadger: FakeHoneybadger) -> list[str]:
    return [request.path for request in honeybadger.of("/v1/check_in/")]


def test_a_success_checks_in(honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher) -> None:
    """By the id that the option has for the job's name; other jobs don't."""
    dispatcher = dispatcher_of(checkins={"reports.nightly": "XyZZy1", "reports.hourly": "AbC2"})
    for name in ("reports.nightly", "reports.hourly", "reports", "reports.nightly2", "Reports.Nightly"):
        dispatcher.publish(make_event("success", at=time.time(), job=make_job(name=name)))
    assert dispatcher.flush(20)
    assert checkins(honeybadger) == ["/v1/check_in/XyZZy1", "/v1/check_in/AbC2"]
    assert [request.method for request in honeybadger.requests] == ["GET", "GET"]
    assert dispatcher.stats()["honeybadger"].lost == 0


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("started", {}),
        ("aborted", {}),
        ("failure", {"will_retry": True}),
        ("failure", {"will_retry": False}),
        ("stopped", {"outcome": "success"}),
        ("stopped", {"outcome": "failure"}),
    ],
)
def test_nothing_else_checks_in(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, kind: str, fields: dict[str, Any]
) -> None:
    """A job that fails or is given up is missed by Honeybadger, which is what a check-in is for."""
    dispatcher = dispatcher_of(checkins={"reports.nightly": "XyZZy1"})
    dispatcher.publish(make_event(kind, job=NIGHTLY, at=time.time(), **fields))
    assert dispatcher.flush(20)
    assert checkins(honeybadger) == []


def test_a_job_checks_in_once_after_its_retries(honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher) -> None:
    """With the attempt that succeeds."""
    dispatcher = dispatcher_of(checkins={"reports.nightly": "XyZZy1"})
    for attempt in (1, 2):
        job = make_job(name="reports.nightly", attempt=attempt, max_attempts=3)
        dispatcher.publish(make_event("failure", job=job, will_retry=True))
    dispatcher.publish(
        make_event("success", at=time.time(), job=make_job(name="reports.nightly", attempt=3, max_attempts=3))
    )
    assert dispatcher.flush(20)
    assert checkins(honeybadger) == ["/v1/check_in/XyZZy1"]
    assert len(honeybadger.notices) == 2


def test_a_check_in_is_tried_again(honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher) -> None:
    """As everything that is sent."""
    honeybadger.next(Answer(503))
    dispatcher = dispatcher_of(checkins={"reports.nightly": "XyZZy1"})
    dispatcher.publish(make_event("success", at=time.time(), job=NIGHTLY))
    assert dispatcher.flush(20)
    assert checkins(honeybadger) == ["/v1/check_in/XyZZy1"] * 2


def test_an_unknown_check_in_is_told(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    """With the job's name, since that is where the option has to be mended; the event failed."""
    honeybadger.next(Answer(404, b'{"error": "not found"}'))
    dispatcher = dispatcher_of(checkins={"reports.nightly": "XyZZy1"})
    dispatcher.publish(make_event("success", at=time.time(), job=NIGHTLY))
    assert dispatcher.flush(20)
    assert "no check-in for reports.nightly: Honeybadger answered 404: not found" in caplog.text
    assert dispatcher.stats()["honeybadger"].failed == 1


@pytest.mark.parametrize(
    ("options", "ago", "late"), [({}, 3_500, False), ({}, 3_700, True), ({"checkin_margin": "2h"}, 3_700, False)]
)
def test_a_success_of_long_ago_is_none_of_now(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, options: dict[str, Any], ago: float, late: bool
) -> None:
    """Else an hour's outage would end with everything that ran in it, as if it ran now."""
    dispatcher = dispatcher_of(checkins={"reports.nightly": "XyZZy1"}, insights=["success"], **options)
    dispatcher.publish(make_event("success", at=time.time() - ago, job=NIGHTLY))
    assert dispatcher.flush(20)
    assert checkins(honeybadger) == ([] if late else ["/v1/check_in/XyZZy1"])
    assert len(honeybadger.of("/v1/events")) == 1  # which bears its time
    assert dispatcher.stats()["honeybadger"].handled == 1
