"""What is known of each schedule's runs, and which of them were missed.

A run is missed once everything that was stored in time has been read without one, and the stream could be asked for as
long as the run was expected: of a time in which workers could not tell, nobody knows.
"""

from __future__ import annotations

import bisect
import logging
from collections.abc import Mapping, Sequence

import msgspec

from jobreporter._agent.progress import ReadUpTo
from jobreporter.events import Event, Stopped
from jobreporter.schedules import MISSED, Schedule, ScheduleError, dues, missed_run, next_due

logger = logging.getLogger("jobreporter")

#: Seconds that the news of a run may take on its way into the stream.
SETTLE = 10.0
#: Seconds between one agent and the next after which the time between them counts as not watched.
GAP = 60.0


class Known(msgspec.Struct, kw_only=True):
    """What is known of one schedule."""

    schedule: Schedule
    #: Up to which due time it is judged; of an interval, since when the next run is awaited.
    judged: float
    #: When runs began that may be those of the next due times (Unix seconds, in order).
    runs: list[float] = []

    def due(self) -> float | None:
        """The first due time that is not judged."""
        if self.schedule.every is not None:
            return max([self.judged, *self.runs[-1:]]) + self.schedule.every
        return next_due(self.schedule, self.judged)


class Notes(msgspec.Struct, kw_only=True):
    """What whoever goes on with the watch has to know."""

    #: Since when the stream has been asked without a gap, and up to when (Unix seconds).
    since: float
    until: float
    known: dict[str, Known] = {}


class ScheduleWatch:
    """notes: what was known before; ``None`` where nobody watched. now: Unix seconds."""

    def __init__(self, schedules: Sequence[Schedule], notes: Notes | None, now: float) -> None:
        before: Mapping[str, Known] = {} if notes is None else notes.known
        self._since = now if notes is None or abs(now - notes.until) > GAP else notes.since
        self._until = now
        self._known: list[Known] = []
        for schedule in schedules:
            known = before.get(schedule.name)
            if known is None or known.schedule != schedule:
                known = Known(schedule=schedule, judged=now)
            self._known.append(known)
        self._forget_what_is_to_come(now)
        self._refused: set[str] = set()

    def notes(self) -> Notes:
        """What whoever goes on has to know."""
        known = {each.schedule.name: each for each in self._known}
        return Notes(since=self._since, until=self._until, known=known)

    def saw(self, event: Event) -> None:
        """An event was read."""
        if isinstance(event, Stopped) or getattr(event, "reason", None) == MISSED:
            return
        for known in self._known:
            if known.schedule.is_of(event.job):
                self._ran(known, event.at - (getattr(event, "duration", None) or 0.0))

    def _ran(self, known: Known, at: float) -> None:
        if at <= known.judged - known.schedule.early:
            return
        index = bisect.bisect(known.runs, at)
        # One a second says all that there is to say.
        if not any(abs(near - at) < 1 for near in known.runs[max(index - 1, 0) : index + 1]):
            known.runs.insert(index, at)

    def judge(self, reading: ReadUpTo) -> list[tuple[Event, Event]]:
        """What is to be told of runs that were missed, by what has been read."""
        if reading.now < self._until - GAP:
            self._since = reading.now
            self._forget_what_is_to_come(reading.now)
        self._since = max(self._since, reading.answered_since)
        self._until = reading.now
        read = reading.at
        found: list[tuple[Event, Event]] = []
        for known in self._known:
            try:
                missed = self._of_interval(known, read) if known.schedule.every else self._of_cron(known, read)
            except ScheduleError as error:
                self._refuse(known.schedule.name, error)
                continue
            found += [missed_run(known.schedule, at) for at in missed]
        return found

    def _forget_what_is_to_come(self, now: float) -> None:
        """The clock was set back: what was judged and seen by a time that has not come yet was none of this day."""
        for known in self._known:
            known.judged = min(known.judged, now)
            known.runs = [run for run in known.runs if run <= now + GAP]

    def _of_cron(self, known: Known, read: float) -> list[float]:
        schedule = known.schedule
        missed = []
        for at in dues(schedule, known.judged, read - schedule.grace - SETTLE):
            known.judged = at
            ran = any(at - schedule.early <= run <= at + schedule.grace for run in known.runs)
            if not ran and self._was_watched(schedule, at):
                missed.append(at)
        # Runs that come long before the next one is due are none of it.
        due = known.due()
        keep = read if due is None else due - schedule.early
        known.runs = [run for run in known.runs if run >= keep]
        return missed

    def _of_interval(self, known: Known, read: float) -> list[float]:
        """A run is due so long after the last one; after one that was missed, once more so long."""
        schedule = known.schedule
        assert schedule.every is not None  # noqa: S101 - the caller has looked
        known.runs = known.runs[-1:]
        missed = []
        while (at := known.due()) is not None and at + schedule.grace + SETTLE <= read:
            known.judged, known.runs = at, []
            if self._was_watched(schedule, at):
                missed.append(at)
        return missed

    def _was_watched(self, schedule: Schedule, at: float) -> bool:
        return self._since <= at - schedule.early

    def _refuse(self, name: str, error: ScheduleError) -> None:
        if name not in self._refused:
            self._refused.add(name)
            logger.warning("%s; it is not watched", error)
