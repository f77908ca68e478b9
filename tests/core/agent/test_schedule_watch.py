"""Which runs are missed, by what an agent has read."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import pytest

from jobreporter import Event
from jobreporter._agent.progress import ReadUpTo
from jobreporter._agent.schedule_watch import Notes, ScheduleWatch
from jobreporter.schedules import Schedule
from jobreporter.testing import make_event, make_job

#: Monday, the 5th of January 2026, 12:00 UTC.
START = 1_767_614_400.0
HOUR = 3600.0
JOB = make_job(name="backup", source="command")


def nightly(**fields: Any) -> Schedule:
    return Schedule(name="nightly", job="backup", **(fields or {"cron": "0 * * * *"}))


def ran(at: float, kind: str = "started", **fields: Any) -> Event:
    return make_event(kind, job=JOB, at=at, **fields)


def told(watch: ScheduleWatch, read: float, *, answered_since: float = 0.0, now: float | None = None) -> list[float]:
    """When the runs were due that are told as missed."""
    found = watch.judge(ReadUpTo(read, answered_since, read if now is None else now))
    return [aborted.job.scheduled_at or 0.0 for aborted, _ in found]


def look_on(watch: ScheduleWatch, until: float) -> list[float]:
    """Look every five seconds, from the last look on."""
    missed: list[float] = []
    at = watch.notes().until
    while at < until:
        at += 5
        missed += told(watch, at)
    return missed


def test_a_run_that_does_not_come_is_missed_once() -> None:
    """After its grace and what news may take; not before, and not again."""
    watch = ScheduleWatch([nightly()], None, START)
    assert look_on(watch, START + HOUR + 300) == []
    assert look_on(watch, START + HOUR + 315) == [START + HOUR]
    assert look_on(watch, START + 2 * HOUR) == []


@pytest.mark.parametrize("seconds", [-60.0, 0.0, 300.0])
def test_a_run_may_be_early_or_late(seconds: float) -> None:
    """Up to its grace, and a minute for clocks that differ."""
    watch = ScheduleWatch([nightly()], None, START)
    watch.saw(ran(START + HOUR + seconds))
    assert look_on(watch, START + HOUR + 400) == []


@pytest.mark.parametrize("seconds", [-61.0, 301.0])
def test_a_run_at_another_time_is_none_of_it(seconds: float) -> None:
    """Somebody started the job by hand."""
    watch = ScheduleWatch([nightly()], None, START)
    watch.saw(ran(START + HOUR + seconds))
    assert look_on(watch, START + HOUR + 400) == [START + HOUR]


def test_an_end_without_a_start_is_a_run_too() -> None:
    """It began when its duration says; what only says that a run was missed is none."""
    watch = ScheduleWatch([nightly()], None, START)
    watch.saw(ran(START + HOUR + 900, "success", duration=890.0))
    watch.saw(ran(START + 2 * HOUR, "aborted", reason="missed"))
    assert look_on(watch, START + 2 * HOUR + 400) == [START + 2 * HOUR]


def test_what_has_not_been_read_may_hold_the_run() -> None:
    """An agent that lags behind judges later, and then rightly."""
    watch = ScheduleWatch([nightly()], None, START)
    assert told(watch, START + 10, now=START + 2 * HOUR) == []
    watch.saw(ran(START + HOUR + 1))
    assert told(watch, START + 2 * HOUR) == []


@pytest.mark.parametrize("since", [HOUR - 30, HOUR + 299, HOUR + 310])
def test_a_time_in_which_the_stream_did_not_answer_is_nobodys(since: float) -> None:
    """Workers could not tell either; the next run is judged again."""
    watch = ScheduleWatch([nightly()], None, START)
    assert told(watch, START + HOUR - 120) == []
    missed = told(watch, START + HOUR + 400, answered_since=START + since)
    assert missed == []
    assert told(watch, START + 2 * HOUR + 400, answered_since=START + since) == [START + 2 * HOUR]


def test_another_agent_goes_on_with_what_was_known() -> None:
    """A run that the first one has read is not awaited again, nor is one forgotten that was due meanwhile."""
    first = ScheduleWatch([nightly()], None, START)
    first.saw(ran(START + HOUR - 20))
    assert look_on(first, START + HOUR - 10) == []
    notes = msgspec.msgpack.decode(msgspec.msgpack.encode(first.notes()), type=Notes)
    second = ScheduleWatch([nightly()], notes, START + HOUR + 20)
    assert look_on(second, START + HOUR + 400) == []
    notes = msgspec.msgpack.decode(msgspec.msgpack.encode(second.notes()), type=Notes)
    third = ScheduleWatch([nightly()], notes, notes.until + 50)
    assert look_on(third, START + 2 * HOUR + 400) == [START + 2 * HOUR]


def test_a_time_without_any_agent_is_nobodys() -> None:
    """What was due while nobody was there for more than a minute is not judged, unless its run came."""
    first = ScheduleWatch([nightly()], None, START)
    assert look_on(first, START + HOUR - 100) == []
    second = ScheduleWatch([nightly()], first.notes(), START + HOUR + 30)
    assert look_on(second, START + 2 * HOUR + 400) == [START + 2 * HOUR]


@pytest.mark.parametrize("known", [None, "another"])
def test_a_schedule_that_is_new_or_another_begins_anew(known: str | None) -> None:
    """What was due before it was watched is nobody's."""
    notes = ScheduleWatch([nightly(every=60.0)], None, START).notes() if known else None
    watch = ScheduleWatch([nightly()], notes, START + HOUR + 100)
    assert look_on(watch, START + HOUR + 500) == []
    assert [each.schedule.cron for each in watch.notes().known.values()] == ["0 * * * *"]


def test_an_interval_is_counted_from_the_last_run() -> None:
    """And after a run that was missed, from when that was due."""
    watch = ScheduleWatch([nightly(every=HOUR, grace=60.0)], None, START)
    watch.saw(ran(START + 600))
    assert look_on(watch, START + HOUR + 600) == []
    assert look_on(watch, START + HOUR + 680) == [START + HOUR + 600]
    assert look_on(watch, START + 2 * HOUR + 680) == [START + 2 * HOUR + 600]
    watch.saw(ran(START + 2 * HOUR + 700))
    assert look_on(watch, START + 3 * HOUR + 690) == []


def test_a_job_that_runs_all_the_time_takes_no_room() -> None:
    """Only runs near a due time are kept, and one a second of these."""
    watch = ScheduleWatch([nightly()], None, START)
    most = 0
    for number in range(20_000):
        at = START + HOUR / 2 + number / 5
        watch.saw(ran(at))
        if number % 25 == 0:
            assert told(watch, at) == []
            [known] = watch.notes().known.values()
            most = max(most, len(known.runs))
    assert 300 < most < 400


def test_what_can_not_be_evaluated_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """The other schedules are watched all the same."""
    wrong = Schedule(name="wrong", job="backup", cron="61 * * * *")
    watch = ScheduleWatch([wrong, nightly()], None, START)
    with caplog.at_level(logging.WARNING, "jobreporter"):
        assert look_on(watch, START + HOUR + 400) == [START + HOUR]
    assert [record.message for record in caplog.records] == [
        "schedule 'wrong': '61 * * * *' is no cron expression (Bad minute); it is not watched"
    ]


def test_41_after_a_clock_was_set_back_the_watch_goes_on() -> None:
    """What was judged by a time that has not come yet doesn't keep it from looking for a day."""
    watch = ScheduleWatch([nightly()], None, START)
    look_on(watch, START + HOUR + 400)
    told(watch, START + 25 * HOUR, answered_since=START + 25 * HOUR)
    assert told(watch, START + 2 * HOUR - 60, answered_since=START + 2 * HOUR - 60) == []
    assert look_on(watch, START + 2 * HOUR + 400) == [START + 2 * HOUR]
    watch.saw(ran(START + 3 * HOUR))
    assert look_on(watch, START + 3 * HOUR + 400) == []


def test_41_so_does_another_agent_that_takes_over() -> None:
    """By the notes of one whose clock was a day ahead."""
    before = ScheduleWatch([nightly()], None, START + 24 * HOUR)
    look_on(before, START + 25 * HOUR + 400)
    watch = ScheduleWatch([nightly()], before.notes(), START + HOUR - 60)
    assert look_on(watch, START + HOUR + 400) == [START + HOUR]
