"""When runs are due by a cron expression, in any time zone, and what is told of one that was missed."""

from __future__ import annotations

import sys
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from jobreporter.schedules import Schedule, ScheduleError, dues, missed_run, next_due, previous_due
from jobreporter.testing import make_job

BERLIN = "Europe/Berlin"


def at(text: str, zone: str = "UTC") -> float:
    """A time on the clock of a place, in Unix seconds."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def on_the_clock(times: list[float], zone: str) -> list[str]:
    """Unix seconds as times on the clock of a place."""
    return [f"{datetime.fromtimestamp(each, ZoneInfo(zone)):%m-%d %H:%M}" for each in times]


@pytest.mark.parametrize(
    ("cron", "zone", "since", "until", "expected"),
    [
        pytest.param(
            "30 2 * * *",
            BERLIN,
            "2026-03-28",
            "2026-03-30T12:00",
            ["03-28 02:30", "03-29 03:00", "03-30 02:30"],
            id="skipped hour",
        ),
        pytest.param(
            "30 2 * * *",
            BERLIN,
            "2026-10-24",
            "2026-10-26T12:00",
            ["10-24 02:30", "10-25 02:30", "10-26 02:30"],
            id="repeated hour",
        ),
        pytest.param(
            "0 * * * *",
            BERLIN,
            "2026-10-25T01:30",
            "2026-10-25T03:30",
            ["10-25 02:00", "10-25 02:00", "10-25 03:00"],
            id="every hour of 25",
        ),
        pytest.param(
            "0 9 * * 1-5", "Asia/Kolkata", "2026-01-02", "2026-01-06", ["01-02 09:00", "01-05 09:00"], id="half hours"
        ),
        pytest.param(
            "0 0 1 * *", "Pacific/Auckland", "2026-01-15", "2026-03-15", ["02-01 00:00", "03-01 00:00"], id="months"
        ),
        pytest.param(
            "*/20 9 * * *", "UTC", "2026-01-02", "2026-01-03", ["01-02 09:00", "01-02 09:20", "01-02 09:40"], id="steps"
        ),
    ],
)
def test_runs_are_due_as_cron_has_it(cron: str, zone: str, since: str, until: str, expected: list[str]) -> None:
    """Also where the clock is changed: a run in the hour that is skipped comes after it, one in the hour that comes twice
    once, and one of every hour in each."""
    plan = Schedule(name="nightly", job="backup", cron=cron, timezone=zone)
    found = dues(plan, at(since, zone), at(until, zone))
    assert on_the_clock(found, zone) == expected
    assert previous_due(plan, at(until, zone)) == found[-1]
    following = next_due(plan, found[-1])
    assert following is not None
    assert following > at(until, zone)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"cron": "61 * * * *"}, "'61 * * * *' is no cron expression"),
        ({"cron": "daily"}, "'daily' is no cron expression"),
        ({"cron": "0 3 * * *", "timezone": "Europe/Atlantis"}, "there is no time zone 'Europe/Atlantis'"),
        ({"cron": "0 3 * * *", "timezone": "Europe"}, "there is no time zone 'Europe'"),
        ({"cron": "0 3 * * *", "timezone": "../UTC"}, "there is no time zone '../UTC'"),
    ],
)
def test_what_is_no_schedule_is_refused(fields: dict[str, str], problem: str) -> None:
    """The sentence names the schedule and what is wrong with it."""
    with pytest.raises(ScheduleError, match="schedule 'nightly'") as told:
        next_due(Schedule(name="nightly", job="backup", **fields), 0.0)
    assert problem in str(told.value)


def test_a_cron_expression_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library it is said what to install."""
    monkeypatch.setitem(sys.modules, "cronsim", None)
    with pytest.raises(ScheduleError, match=r"jobreporter\[schedules\]"):
        next_due(Schedule(name="nightly", job="backup", cron="0 3 * * *"), 0.0)


def test_a_missed_run_is_known_by_its_schedule_and_its_time() -> None:
    """Whoever tells of it, its id is the same; it ended when its grace did."""
    schedule = Schedule(name="nightly", job="backup", queue="low", cron="0 3 * * *", grace=60.0)
    due = at("2026-01-06T03:00")
    aborted, stopped = missed_run(schedule, due)
    assert aborted.job.id == aborted.job.execution_id == stopped.job.id == f"missed:nightly:{due:.0f}"
    assert (aborted.reason, aborted.at, stopped.at, stopped.outcome) == ("missed", due + 60, due + 60, "aborted")
    assert (aborted.job.name, aborted.job.queue, aborted.job.scheduled_at) == ("backup", "low", due)


def test_runs_of_other_queues_and_sources_are_not_its_own() -> None:
    """Where the schedule names them."""
    schedule = Schedule(name="nightly", job="backup", source="rq", queue="low", every=60.0)
    assert schedule.is_of(make_job(name="backup", source="rq", queue="low"))
    assert not schedule.is_of(make_job(name="backup", source="rq", queue="high"))
    assert not schedule.is_of(make_job(name="backup", source="celery", queue="low"))
    assert not schedule.is_of(make_job(name="restore", source="rq", queue="low"))
