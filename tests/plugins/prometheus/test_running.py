"""What counts as running."""

from __future__ import annotations

import pytest

from jobreporter import Origin, Started
from jobreporter import Running as RunsSomewhere
from jobreporter.testing import make_job
from jobreporter_prometheus._figures.running import Run, Running

from .helping import make_context, started

JOB = ("shop", "live", "python", "default", "reports.nightly")


def same(job: tuple[str, ...]) -> tuple[str, ...]:
    """The labels as they are."""
    return job


def runs(running: Running, now: float = 100.0) -> int:
    """How many executions run."""
    return sum(age.runs for age in running.ages(now).values())


def test_a_lost_end_does_not_count_for_ever() -> None:
    """An execution of which no end was seen counts until it is older than the limit, and is then forgotten."""
    running = Running(limit=60.0)
    running.begin("lost", Run(JOB, 0.0))
    assert (runs(running, 60.0), runs(running, 61.0)) == (1, 0)
    running.begin("next", Run(JOB, 61.0))
    assert running.runs == {"next": Run(JOB, 61.0)}


def test_many_lost_ends_take_bounded_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the most that are remembered, the oldest is forgotten first."""
    monkeypatch.setattr("jobreporter_prometheus._figures.running.MOST_RUNNING", 3)
    running = Running(limit=60.0)
    for at in range(10):
        running.begin(str(at), Run(JOB, float(at)))
    assert list(running.runs) == ["7", "8", "9"]


def test_a_second_start_is_the_same_execution() -> None:
    """An execution that is told to have started twice runs once."""
    running = Running(limit=60.0)
    running.begin("one", Run(JOB, 90.0))
    running.begin("one", Run(JOB, 95.0))
    assert runs(running) == 1


def test_an_end_without_a_start_takes_nothing_away() -> None:
    """The gauge doesn't fall below what runs."""
    running = Running(limit=60.0)
    running.begin("one", Run(JOB, 90.0))
    running.end("another")
    assert runs(running) == 1


def test_a_clock_that_was_set_back_makes_no_negative_age() -> None:
    """An execution that started in the future has been running for 0 seconds."""
    running = Running(limit=60.0)
    running.begin("one", Run(JOB, 200.0))
    assert running.ages(100.0)[JOB].oldest == 0.0


def test_an_execution_that_began_elsewhere_ends_here() -> None:
    """Where one process saw the start and another the end, the execution is over."""
    child, parent, both = Running(60.0), Running(60.0), Running(60.0)
    child.begin("one", Run(JOB, 90.0))
    parent.end("one")
    both.add(child, same)
    assert runs(both) == 1
    both.add(parent, same)
    assert runs(both) == 0


def test_an_execution_that_two_processes_tell_of_counts_once() -> None:
    """Parent and child know an execution by the same id."""
    both = Running(60.0)
    for _ in range(2):
        process = Running(60.0)
        process.begin("one", Run(JOB, 90.0))
        both.add(process, same)
    assert runs(both) == 1


def test_an_end_that_is_told_twice_is_not_taken_for_another_processes() -> None:
    """The outcome and Stopped of an execution of this process are one end."""
    running = Running(60.0)
    running.begin("one", Run(JOB, 90.0))
    running.end("one")
    running.end("one")
    assert list(running.ended_elsewhere) == []


def test_what_runs_when_an_agent_starts_is_counted_where_it_runs() -> None:
    """By the process that it comes from: service and environment of the agent are another matter."""
    worker = Origin(host="web-3", pid=4711, version="0.1.0", service="shop", environment="live")
    event = Started(job=make_job(name="reports.nightly", source="python", queue="default"), at=1.0)
    context = make_context(
        service="agents", environment="tools", running=lambda: [RunsSomewhere(started=event, origin=worker)]
    )
    with started(context=context) as reporter:
        assert [run.job for run in reporter.tally.read().running.runs.values()] == [JOB]
