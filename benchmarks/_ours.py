"""jobreporter: events as its executions publish them, and dispatchers whose reporters count what they get."""

from __future__ import annotations

import time
from typing import Any

from _subject import Subject

from jobreporter import Dispatcher, hookimpl
from jobreporter.events import Event, Job, Started, Stopped, Success

# Seconds: a reporter that has not caught up by then has lost events.
PATIENCE = 30.0


def events(jobs: int, argument: str = "a report, in three parts") -> list[Event]:
    """Three for each job: started, success, stopped."""
    made: list[Event] = []
    for number in range(jobs):
        job = Job(
            id=f"job-{number}",
            execution_id=f"job-{number}:1",
            name="reports.nightly",
            source="python",
            args=(number, argument, 2.5),
            worker="host:4711",
        )
        at = 1.7e9 + number
        made += [
            Started(job=job, at=at),
            Success(job=job, at=at + 1, duration=1.0),
            Stopped(job=job, at=at + 1, outcome="success", duration=1.0),
        ]
    return made


class Counting:
    """A reporter that counts its events and does nothing else."""

    def __init__(self) -> None:
        self.seen = 0

    @hookimpl
    def handle_started(self, job: Job) -> None:
        self.seen += 1

    @hookimpl
    def handle_success(self, job: Job) -> None:
        self.seen += 1

    @hookimpl
    def handle_aborted(self, job: Job) -> None:
        self.seen += 1

    @hookimpl
    def handle_failure(self, job: Job) -> None:
        self.seen += 1

    @hookimpl
    def handle_stopped(self, job: Job) -> None:
        self.seen += 1


class Sleeping:
    """A reporter that sleeps 50 ms over each event that it has a hook for."""

    @hookimpl
    def handle_started(self, job: Job) -> None:
        time.sleep(0.05)

    @hookimpl
    def handle_success(self, job: Job) -> None:
        time.sleep(0.05)

    @hookimpl
    def handle_stopped(self, job: Job) -> None:
        time.sleep(0.05)


def dispatcher(
    reporters: int, items: list[Event], *, sleeping: int = 0, lane: dict[str, Any] | None = None, name: str = ""
) -> Subject:
    """A dispatcher with so many counting reporters, and so many that sleep besides.

    lane: settings of every reporter's lane. name: what the table calls it.
    """
    counting = {f"counting-{number}": Counting() for number in range(reporters)}
    others = {f"sleeping-{number}": Sleeping() for number in range(sleeping)}
    plugins = {**counting, **others}
    made = Dispatcher(plugins, config={"reporters": {each: {"lane": lane or {}} for each in plugins}})
    made.start()

    def seen() -> int:
        return sum(reporter.seen for reporter in counting.values())

    def settle() -> None:
        if not others:
            made.flush(PATIENCE)

    return Subject(
        name=name or f"jobreporter, {reporters} reporter{'s' if reporters > 1 else ''}",
        items=items,
        send=made.publish,
        settle=settle,
        seen=seen,
        close=lambda: made.close(0.5),
        consumers=reporters,
    )


def calls_alone(reporters: int, items: list[Event]) -> Subject:
    """The hooks of so many counting reporters, called one after the other by the sender itself."""
    counting = [Counting() for _ in range(reporters)]
    hooks = [reporter.handle_started for reporter in counting]

    def send(event: Event) -> None:
        for hook in hooks:
            hook(event.job)

    return Subject(
        name=f"hooks alone, {reporters}",
        items=items,
        send=send,
        settle=lambda: None,
        seen=lambda: sum(reporter.seen for reporter in counting),
        close=lambda: None,
        consumers=reporters,
    )
