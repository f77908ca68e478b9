"""Schedules: which runs came late, and which didn't come."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from jobreporter import Started
from jobreporter.schedules import Schedule
from jobreporter_history._schedules.watch import Watch
from jobreporter_history.store import Store

from .conftest import Read, Run
from .executions import ORIGIN, failed, new_job, succeeded, write
from .sessions import Running

HOUR, DAY = 3600.0, 86_400.0


def at(text: str, zone: str = "UTC") -> float:
    """A time on the clock of a place, in Unix seconds."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


START = at("2026-01-05T12:00")


class Watched:
    """A schedule that is watched, from START on."""

    def __init__(self, running: Running, store: Store, plan: Schedule) -> None:
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
        found = Watched(running, read(url, clock=lambda: running.now), Schedule(name="nightly", job="backup", **fields))
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
    changed = Watch(found.running.database, [replace(found.plan, cron="0 5 * * *")], ORIGIN)
    changed.look(START + 75)
    [schedule] = found.store.schedules()
    assert schedule.next_due == at("2026-01-06T05:00")
    Watch(found.running.database, [Schedule(name="other", job="other", every=60.0)], ORIGIN).look(START + 90)
    assert [each.name for each in found.store.schedules()] == ["other"]


def test_what_was_due_before_anybody_watched_is_not_late(watched: Any) -> None:
    """Nobody knows whether that run came."""
    found = watched(cron="0 3 * * *")
    [schedule] = found.store.schedules()
    assert (schedule.last_due, schedule.late) == (at("2026-01-05T03:00"), None)


def test_another_may_tell_what_was_missed(watched: Any) -> None:
    """With a stream, an agent does: what is known of the schedule is noted all the same."""
    found = watched(every=HOUR)
    while found.running.now < START + HOUR + 400:
        found.running.now += 50
        assert found.watch.look(found.running.now, tells=False) == []
    [schedule] = found.store.schedules()
    assert schedule.missed == 1
    assert found.store.incidents() == ()


def test_what_can_not_be_watched_is_said_once(watched: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A wrong expression costs the other schedules nothing."""
    found = watched(every=HOUR)
    plans = [Schedule(name="wrong", job="backup", cron="61 * * * *"), found.plan]
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
    watch = Watch(
        running.database, [Schedule(name="nightly", job="backup", source="rq", queue="low", every=HOUR)], ORIGIN
    )
    watch.look(START)
    write(running.database, succeeded(START + HOUR, name="backup", source="rq", queue="high"))
    missed = []
    while running.now < START + HOUR + 600:
        running.now += 30
        missed += watch.look(running.now)
    assert missed == [f"missed:nightly:{START + HOUR:.0f}"]
