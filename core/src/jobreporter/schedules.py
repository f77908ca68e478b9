"""Schedules: which runs of a job are expected, when they are due, and what is told of one that was missed.

A ``[schedules.NAME]`` of the config says when a job should run; whatever starts it is somebody else's. Cron expressions
need cronsim, which the extra ``schedules`` brings; it is imported where one is evaluated, and never in a worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import takewhile

import msgspec

from jobreporter.errors import JobReporterError
from jobreporter.events import Aborted, Job, Stopped

__all__ = ["EARLY", "MISSED", "Schedule", "ScheduleError", "dues", "missed_run", "next_due", "previous_due"]

#: The reason of a missed run, as its `Aborted` bears it.
MISSED = "missed"
#: Seconds that a run may come before it is due, and no more than its grace: clocks differ.
EARLY = 60.0

# Due times that one look goes through, at most.
_MOST = 100


class ScheduleError(JobReporterError):
    """A schedule can't be evaluated: what it says is wrong, or cronsim is missing. It is told in a sentence.

    problem: what is wrong. key: that of the schedule which is; ``None`` where none is.
    """

    def __init__(self, schedule: str, problem: str, key: str | None = None) -> None:
        super().__init__(f"schedule {schedule!r}: {problem}")
        self.problem = problem
        self.key = key


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """A ``[schedules.NAME]``: either ``cron`` or ``every`` says when."""

    name: str
    #: The job's name, as events have it.
    job: str
    #: Its source and its queue; ``None``: any.
    source: str | None = None
    queue: str | None = None
    #: Minute, hour, day, month and weekday, as cron has them.
    cron: str | None = None
    #: Seconds from a run to the next.
    every: float | None = None
    #: Seconds that a run may be late.
    grace: float = 300.0
    #: An IANA name. A cron expression is meant by the clock there.
    timezone: str = "UTC"

    def is_of(self, job: Job) -> bool:
        """Whether a run of this job is one of the schedule's."""
        return (
            job.name == self.job
            and (self.source is None or job.source == self.source)
            and (self.queue is None or job.queue == self.queue)
        )

    @property
    def early(self) -> float:
        """Seconds that a run may be early."""
        return min(EARLY, self.grace)


def dues(schedule: Schedule, after: float, until: float) -> list[float]:
    """When runs were due by the cron expression, later than one moment and not later than another, the last hundred.

    All are Unix seconds. Raises `ScheduleError`.
    """
    found: list[float] = []
    for at in takewhile(lambda at: at <= until, _times(schedule, after, reverse=False)):
        found.append(at)
        if len(found) > _MOST:
            found.pop(0)
    return found


def next_due(schedule: Schedule, after: float) -> float | None:
    """When the next run is due by the cron expression; ``None``: never again. Raises `ScheduleError`."""
    return next(_times(schedule, after, reverse=False), None)


def previous_due(schedule: Schedule, until: float) -> float | None:
    """When the last run was due by the cron expression, that moment included. Raises `ScheduleError`."""
    return next(_times(schedule, until + 1, reverse=True), None)


def missed_run(schedule: Schedule, at: float) -> tuple[Aborted, Stopped]:
    """What is told of a run that was due then and did not come. Its id is the same, whoever finds that out."""
    number = f"{MISSED}:{schedule.name}:{at:.0f}"
    job = Job(
        id=number,
        execution_id=number,
        name=schedule.job,
        source=schedule.source or "schedule",
        queue=schedule.queue,
        scheduled_at=at,
        extra={"schedule": schedule.name},
    )
    end = at + schedule.grace
    return Aborted(job=job, at=end, reason=MISSED), Stopped(job=job, at=end, outcome="aborted")


def _times(schedule: Schedule, at: float, *, reverse: bool) -> Iterator[float]:
    """As cron does it, also over the change to summer time and back."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        from cronsim import CronSim, CronSimError
    except ImportError as error:
        needs = "a cron expression needs cronsim: pip install 'jobreporter[schedules]'"
        raise ScheduleError(schedule.name, needs) from error
    try:
        zone = ZoneInfo(schedule.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # a folder of zones is none, nor a path out of it
        problem = f"there is no time zone {schedule.timezone!r}"
        raise ScheduleError(schedule.name, problem, "timezone") from error
    try:
        # Whole seconds, since the library goes by them.
        simulation = CronSim(schedule.cron or "", datetime.fromtimestamp(int(at), zone), reverse=reverse)
    except CronSimError as error:
        problem = f"{schedule.cron!r} is no cron expression ({error})"
        raise ScheduleError(schedule.name, problem, "cron") from error
    return (each.timestamp() for each in simulation)
