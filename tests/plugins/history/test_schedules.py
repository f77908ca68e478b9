"""Schedules: when runs are due, in any time zone; which came late, and which didn't come."""

from __future__ import annotations

import logging
import sys
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jobreporter import Started
from jobreporter_history._engines.trouble import Refused
from jobreporter_history._schedules.plan import Plan, dues, next_due, plans_of, previous_due
from jobreporter_history._schedules.watch import Watch
from jobreporter_history.store import Store

from .conftest import Read, Run
from .executions import ORIGIN, failed, new_job, succeeded, write
from .sessions import Running

HOUR, DAY = 3600.0, 86_400.0
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
    plan = Plan("nightly", "backup", cron=cron, timezone=zone)
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
    ],
)
def test_what_is_no_schedule_is_refused(fields: dict[str, str], problem: str) -> None:
    """The sentence names the schedule and what is wrong with it."""
    with pytest.raises(Refused, match="schedule 'nightly'") as told:
        next_due(Plan("nightly", "backup", **fields), 0.0)  # type: ignore[arg-type]
    assert problem in str(told.value)


def test_a_cron_expression_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library it is said what to install."""
    monkeypatch.setitem(sys.modules, "cronsim", None)
    with pytest.raises(Refused, match=r"jobreporter-history\[schedules\]"):
        next_due(Plan("nightly", "backup", cron="0 3 * * *"), 0.0)


START = at("2026-01-05T12:00")


class Watched:
    """A schedule that is watched, from START on."""

    def __init__(self, running: Running, store: Store, plan: Plan) -> None:
        self.running = running
        self.store = store
        self.watch = Watch(running.database, [plan], ORIGIN)
        self.plan = plan

    def until(self, end: float, step: float = 55.0) -> list[str]:
        """Look every now and then until a moment. Returns the ids of what was missed."""
        missed: list[str] = []
        while self.running.now < end:
            self.running.now = min(self.running.now + step, end)
            missed += self.watch.look(self.running.now)
        return missed

    def run(self, begin: float, *, well: bool = True) -> None:
        """A run of the job."""
        events = succeeded if well else failed
        assert self.running.write(events(begin + 1, 1.0, name=self.plan.job, source="command", queue=None))


@pytest.fixture
def watched(url: str, run: Run, read: Read) -> Any:
    """Makes a schedule that is watched."""

    def make(**fields: Any) -> Watched:
        running = run(url, now=START)
        found = Watched(running, read(url, clock=lambda: running.now), Plan("nightly", "backup", **fields))
        found.watch.look(START)
        return found

    return make


def test_a_run_that_does_not_come_is_missed(watched: Any) -> None:
    """After its grace, once, with an id that says which it was; the incident is told, and the next run resolves it."""
    found = watched(cron="0 15 * * *", grace=600.0)
    due = at("2026-01-05T15:00")
    assert found.until(due + 600) == []
    [schedule] = found.store.schedules()
    assert (schedule.last_due, schedule.next_due, schedule.late) == (due, due + DAY, 600.0)
    assert found.until(due + 660) == [f"missed:nightly:{due:.0f}"]
    assert found.until(due + HOUR) == []
    found.running.tick()
    [incident] = found.store.incidents()
    assert (incident.kind, incident.job, incident.state) == ("missed", "backup", "open")
    [schedule] = found.store.schedules()
    assert (schedule.missed, schedule.late, schedule.last_run) == (1, HOUR, None)
    found.run(due + HOUR)
    found.running.tick(30)
    assert [each.state for each in found.store.incidents()] == ["resolved"]
    [schedule] = found.store.schedules()
    assert (schedule.late, schedule.last_run, schedule.last_outcome) == (None, due + HOUR, "success")


def test_runs_that_come_are_not_missed(watched: Any) -> None:
    """Whether they are a little early, late within the grace, still running, or failed."""
    found = watched(cron="0 * * * *", grace=600.0)
    hours = [at(f"2026-01-05T{hour}:00") for hour in (13, 14, 15, 16)]
    missed = found.until(hours[0] - 30)
    found.run(hours[0] - 20)
    missed += found.until(hours[1] + 500)
    found.run(hours[1] + 550)
    missed += found.until(hours[2])
    job = new_job(name="backup", source="command", queue=None)
    assert found.running.write([Started(job=job, at=hours[2] + 5)])
    missed += found.until(hours[3])
    found.run(hours[3] + 5, well=False)
    missed += found.until(hours[3] + HOUR - 60)
    assert missed == []
    [schedule] = found.store.schedules()
    assert schedule.last_outcome == "failure"


def test_an_interval_begins_with_the_last_run(watched: Any) -> None:
    """Every hour: a run is due an hour after the last one; each that is missed moves that on by an hour."""
    found = watched(every=HOUR, grace=300.0)
    assert found.until(START + HOUR + 300) == []
    assert found.until(START + HOUR + 330) == [f"missed:nightly:{START + HOUR:.0f}"]
    assert found.until(START + 2 * HOUR + 330) == [f"missed:nightly:{START + 2 * HOUR:.0f}"]
    [schedule] = found.store.schedules()
    assert schedule.missed == 2
    ran = START + 2.5 * HOUR
    found.run(ran)
    assert found.until(ran + HOUR + 300) == []
    [schedule] = found.store.schedules()
    assert (schedule.missed, schedule.last_run, schedule.next_due) == (0, ran, ran + HOUR)
    assert found.until(ran + HOUR + 330) == [f"missed:nightly:{ran + HOUR:.0f}"]


def test_what_nobody_watched_is_not_judged(watched: Any) -> None:
    """A keeper that was away for hours doesn't know of the runs in that time, and says nothing of them."""
    for fields in ({"cron": "0 * * * *"}, {"every": HOUR}):
        found = watched(**fields)
        found.until(START + 1800)
        found.running.now += 10 * HOUR
        assert found.until(found.running.now + 1800) == []


def test_a_schedule_that_changes_begins_anew(watched: Any) -> None:
    """Another expression, or another grace, is another schedule; one that the config no longer has is forgotten."""
    found = watched(cron="0 3 * * *")
    found.until(START + 60)
    changed = Watch(found.running.database, [found.plan._replace(cron="0 5 * * *")], ORIGIN)
    changed.look(START + 75)
    [schedule] = found.store.schedules()
    assert schedule.next_due == at("2026-01-06T05:00")
    Watch(found.running.database, [Plan("other", "other", every=60.0)], ORIGIN).look(START + 90)
    assert [each.name for each in found.store.schedules()] == ["other"]


def test_what_can_not_be_watched_is_said_once(watched: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A wrong expression costs the other schedules nothing."""
    found = watched(every=HOUR)
    plans = [Plan("wrong", "backup", cron="61 * * * *"), found.plan]
    watch = Watch(found.running.database, plans, ORIGIN)
    with caplog.at_level(logging.WARNING, "jobreporter.history"):
        for number in range(3):
            watch.look(START + 20 * number)
    assert [record.message for record in caplog.records] == [
        "schedule 'wrong': '61 * * * *' is no cron expression (Bad minute); it is not watched"
    ]
    assert [each.name for each in found.store.schedules()] == ["nightly"]


def test_the_job_may_be_meant_in_one_queue(url: str, run: Run) -> None:
    """A run of the same job elsewhere is not the schedule's."""
    running = run(url, now=START)
    watch = Watch(running.database, [Plan("nightly", "backup", source="rq", queue="low", every=HOUR)], ORIGIN)
    watch.look(START)
    write(running.database, succeeded(START + HOUR, name="backup", source="rq", queue="high"))
    missed = []
    while running.now < START + HOUR + 600:
        running.now += 30
        missed += watch.look(running.now)
    assert missed == [f"missed:nightly:{START + HOUR:.0f}"]


def test_a_context_without_schedules_has_none() -> None:
    """A core that knows of no schedules has nothing to watch."""
    assert plans_of(object()) == ()
