"""Check-ins with Sentry Crons."""

from __future__ import annotations

from typing import Any

import pytest

from jobreporter import Dispatcher, Event
from jobreporter.testing import make_event, make_job
from jobreporter_sentry import Monitor
from jobreporter_sentry._checkins import CheckIns, monitor_config

from .conftest import MakeDispatcher
from .fake_sentry import Kent

MONITORS = {"reports.nightly": {"slug": "nightly"}}


def publish(dispatcher: Dispatcher, *events: Event) -> None:
    for event in events:
        dispatcher.publish(event)
    assert dispatcher.flush(10.0)


def statuses(kent: Kent) -> list[str]:
    """The statuses of all check-ins, in order."""
    return [item["status"] for item in kent.items("check_in")]


def test_a_run_checks_in_and_out(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """In progress at the start and ok at the end, with one id, the duration, environment and release."""
    context = {"environment": "test", "release": "shop@7"}
    dispatcher = make_dispatcher(dsn=kent.dsn, monitors=MONITORS, context=context)
    publish(dispatcher, make_event("started"), make_event("success", duration=1.5))
    began, ended = kent.items("check_in")
    assert (began["status"], ended["status"]) == ("in_progress", "ok")
    assert began["check_in_id"] == ended["check_in_id"]
    assert {began["monitor_slug"], ended["monitor_slug"]} == {"nightly"}
    assert "duration" not in began
    assert ended["duration"] == 1.5
    assert (ended["environment"], ended["release"]) == ("test", "shop@7")
    assert "monitor_config" not in ended


def test_other_jobs_do_not_check_in(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """Only a job that has a monitor does, whatever its outcome."""
    dispatcher = make_dispatcher(dsn=kent.dsn, monitors={"another": {"slug": "another"}})
    publish(dispatcher, *(make_event(kind) for kind in ("started", "success", "aborted", "failure", "stopped")))
    assert kent.items("check_in") == []


def test_a_retried_run_ends_once(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """Retries are one run: one id, in progress with each attempt, and ended by the final outcome alone."""
    dispatcher = make_dispatcher(dsn=kent.dsn, monitors=MONITORS)
    first, second = make_job(attempt=1), make_job(attempt=2)
    publish(
        dispatcher,
        make_event("started", job=first, at=100.0),
        make_event("failure", job=first, at=101.0, will_retry=True),
        make_event("started", job=second, at=160.0),
        make_event("failure", job=second, at=163.0, will_retry=False, duration=3.0),
    )
    assert statuses(kent) == ["in_progress", "in_progress", "error"]
    checkins = kent.items("check_in")
    assert len({each["check_in_id"] for each in checkins}) == 1
    assert checkins[-1]["duration"] == 63.0
    assert len(kent.items()) == 2


def test_attempts_in_different_processes_are_one_run(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """The id follows from the job. Where the first attempt was not seen, Sentry works out the duration."""
    one, other = make_dispatcher(dsn=kent.dsn, monitors=MONITORS), make_dispatcher(dsn=kent.dsn, monitors=MONITORS)
    publish(one, make_event("started"), make_event("failure", will_retry=True))
    publish(other, make_event("success", job=make_job(attempt=2), duration=3.0))
    began, ended = kent.items("check_in")
    assert began["check_in_id"] == ended["check_in_id"]
    assert "duration" not in ended


def test_two_runs_have_two_ids(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """Another job is another run."""
    dispatcher = make_dispatcher(dsn=kent.dsn, monitors=MONITORS)
    publish(dispatcher, *(make_event("success", job=make_job(id=each)) for each in ("1", "2")))
    assert len({each["check_in_id"] for each in kent.items("check_in")}) == 2


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"reason": "skipped"}, ["ok"]),
        ({"reason": "nothing to do today"}, ["ok"]),
        ({"reason": "shutdown"}, ["error"]),
        ({"reason": "revoked"}, ["error"]),
        ({"reason": "requeued"}, []),
        ({"reason": "shutdown", "will_retry": True}, []),
        ({"reason": "expired", "duration": None}, []),
    ],
)
def test_an_aborted_run_ends_by_its_reason(
    kent: Kent, make_dispatcher: MakeDispatcher, fields: dict[str, Any], expected: list[str]
) -> None:
    """A job that gives up by itself is ok, one that is cut off is not, and the rest has not ended or never began."""
    publish(make_dispatcher(dsn=kent.dsn, monitors=MONITORS), make_event("aborted", **fields))
    assert statuses(kent) == expected


def test_schedule_and_thresholds_are_passed_on(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """Sentry creates or updates the monitor by what the config says."""
    monitor = {
        "slug": "nightly",
        "schedule": "5 3 * * *",
        "timezone": "Europe/Vienna",
        "checkin_margin": 10,
        "max_runtime": 30,
        "failure_issue_threshold": 2,
        "recovery_threshold": 3,
    }
    publish(make_dispatcher(dsn=kent.dsn, monitors={"reports.nightly": monitor}), make_event("success"))
    assert kent.only("check_in")["monitor_config"] == {
        "schedule": {"type": "crontab", "value": "5 3 * * *"},
        "timezone": "Europe/Vienna",
        "checkin_margin": 10,
        "max_runtime": 30,
        "failure_issue_threshold": 2,
        "recovery_threshold": 3,
    }


def test_a_schedule_may_be_an_interval(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """Every two hours, say."""
    monitor = {"slug": "often", "schedule": {"value": 2, "unit": "hour"}}
    publish(make_dispatcher(dsn=kent.dsn, monitors={"reports.nightly": monitor}), make_event("success"))
    schedule = {"type": "interval", "value": 2, "unit": "hour"}
    assert kent.only("check_in")["monitor_config"] == {"schedule": schedule}


def test_a_monitor_may_be_configured_in_sentry() -> None:
    """Without a schedule there is nothing to configure it by."""
    assert monitor_config(Monitor(slug="nightly")) is None


def test_runs_that_never_end_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """When so many runs began, the oldest is forgotten: its retry has the duration that Sentry works out."""
    monkeypatch.setattr("jobreporter_sentry._checkins._REMEMBERED", 2)
    checkins = CheckIns({"reports.nightly": Monitor(slug="nightly")})
    for number in range(3):
        assert checkins.started(make_event("started", at=0.0, job=make_job(id=str(number))))  # type: ignore[arg-type]
    ended = [
        checkins.success(make_event("success", at=9.0, job=make_job(id=str(number), attempt=2)))  # type: ignore[arg-type]
        for number in range(3)
    ]
    assert [each and each.get("duration") for each in ended] == [None, 9.0, 9.0]
