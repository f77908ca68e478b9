"""Check-ins with Sentry Crons."""

from __future__ import annotations

import time
from typing import Any

import pytest

from jobreporter import Dispatcher, Event
from jobreporter.testing import make_event as event_made_at
from jobreporter.testing import make_job
from jobreporter_sentry import Monitor
from jobreporter_sentry._checkins import CheckIns, monitor_config

from .conftest import MakeDispatcher
from .fake_sentry import Kent

MONITORS = {"reports.nightly": {"slug": "nightly"}}


def make_event(kind: str, *, ago: float = 0.0, **fields: Any) -> Any:
    """An event that happened so many seconds ago."""
    return event_made_at(kind, at=time.time() - ago, **fields)


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
        make_event("started", job=first, ago=63.0),
        make_event("failure", job=first, ago=62.0, will_retry=True),
        make_event("started", job=second, ago=3.0),
        make_event("failure", job=second, will_retry=False, duration=3.0),
    )
    assert statuses(kent) == ["in_progress", "in_progress", "error"]
    checkins = kent.items("check_in")
    assert len({each["check_in_id"] for each in checkins}) == 1
    assert checkins[-1]["duration"] == pytest.approx(63.0, abs=1.0)
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
    checkins = CheckIns({"reports.nightly": Monitor(slug="nightly")}, now=lambda: 9.0)
    for number in range(3):
        assert checkins.started(event_made_at("started", at=0.0, job=make_job(id=str(number))))  # type: ignore[arg-type]
    ended = [
        checkins.success(event_made_at("success", at=9.0, job=make_job(id=str(number), attempt=2)))  # type: ignore[arg-type]
        for number in range(3)
    ]
    assert [each and each.get("duration") for each in ended] == [None, 9.0, 9.0]


def told(checkins: CheckIns, event: Any, *, taken: bool = True) -> Any:
    """The check-in that the event makes. taken: whether Sentry takes it."""
    by_kind = {"Started": checkins.started, "Success": checkins.success, "Failure": checkins.failure}
    check_in = by_kind[type(event).__name__](event)
    if check_in is not None and taken:
        checkins.sent(check_in)
    return check_in


class Hours:
    """Monitors and a clock: the check-ins of one job, at times in minutes."""

    def __init__(self, **monitor: Any) -> None:
        self.now = 0.0
        self.checkins = CheckIns({"reports.nightly": Monitor(slug="nightly", **monitor)}, now=lambda: self.now * 60)

    def at(self, now: float) -> CheckIns:
        self.now = now
        return self.checkins


def happened(kind: str, minute: float, **fields: Any) -> Any:
    return event_made_at(kind, at=minute * 60, **fields)


def test_what_began_long_ago_does_not_begin_now() -> None:
    """Sentry takes a check-in for now. One that is late by less than the margin is true enough."""
    hours = Hours()
    assert told(hours.at(5), happened("started", 0))
    assert told(hours.at(5.1), happened("started", 0, job=make_job(id="2"))) is None
    patient = Hours(schedule="5 3 * * *", checkin_margin=60)
    assert told(patient.at(59), happened("started", 0))
    assert told(patient.at(61), happened("started", 0, job=make_job(id="2"))) is None


@pytest.mark.parametrize("kind", ["success", "failure"])
def test_what_ended_long_ago_does_not_end_now(kind: str) -> None:
    """Else an hour's outage would end with everything that ran in it, as if it ran now."""
    hours = Hours()
    assert told(hours.at(60), happened("started", 1)) is None
    assert told(hours.at(60), happened(kind, 2)) is None
    assert told(hours.at(60), happened("started", 55, job=make_job(id="2")))
    assert told(hours.at(60), happened(kind, 40, job=make_job(id="3")))  # it may have been awaited still
    patient = Hours(schedule="5 3 * * *", max_runtime=120)
    assert told(patient.at(121), happened(kind, 2))


def test_a_run_that_sentry_knows_to_be_in_progress_ends() -> None:
    """However late: it is the end of that run, with its own duration, also where the end was tried in vain before."""
    hours = Hours()
    assert told(hours.at(0), happened("started", 0))
    assert told(hours.at(3), happened("success", 2, duration=None, job=make_job(attempt=2)), taken=False)
    found = told(hours.at(90), happened("success", 2, duration=None, job=make_job(attempt=2)))
    assert (found["status"], found["duration"]) == ("ok", 120.0)
    assert told(hours.at(90), happened("success", 2)) is None  # that is over


def test_a_run_that_sentry_was_not_told_of_is_not_known_to_it() -> None:
    """What was tried in vain until it was stale has not been sent."""
    hours = Hours()
    assert told(hours.at(0), happened("started", 0), taken=False)
    assert told(hours.at(60), happened("started", 0)) is None
    assert told(hours.at(60), happened("success", 1)) is None


def test_nothing_stale_is_sent(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """While failures are, however old."""
    dispatcher = make_dispatcher(dsn=kent.dsn, monitors=MONITORS)
    publish(
        dispatcher,
        make_event("started", ago=3_600.0),
        make_event("failure", ago=3_590.0, will_retry=False),
        make_event("started", job=make_job(id="2")),
    )
    assert statuses(kent) == ["in_progress"]
    assert len(kent.items("event")) == 1
