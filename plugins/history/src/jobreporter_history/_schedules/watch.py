"""Looking whether runs came, and telling of those that didn't.

Only what was watched from before it was due is judged: of a time in which nobody looked, nobody knows.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from jobreporter import Origin, one_line
from jobreporter.schedules import Schedule, ScheduleError, dues, missed_run, next_due, previous_due
from jobreporter_history._engines.database import Connection, Database
from jobreporter_history._rows.events import Shape, ended
from jobreporter_history._schedules.runs import came, latest, series_of
from jobreporter_history._write.batch import Batch
from jobreporter_history._write.writer import Writer

logger = logging.getLogger("jobreporter.history")

#: Seconds between two looks; and without a look for so long, it counts as not watched.
INTERVAL = 15.0
GAP = 60.0
#: Seconds that the news of a run may take to be written.
SETTLE = 10.0


class Seen(NamedTuple):
    """What is known of a schedule."""

    #: Since when it is watched without a gap, and when it was last looked at.
    watched_since: float
    looked_at: float
    #: Up to which due time it is judged.
    judged: float
    last_due: float | None = None
    next_due: float | None = None
    missed: int = 0


class Watch:
    """plans: what the config says. origin: who tells of what was missed."""

    def __init__(self, database: Database, plans: Sequence[Schedule], origin: Origin) -> None:
        self._database = database
        self._plans = plans
        self._origin = origin
        self._writer = Writer(database)
        self._next = 0.0
        self._refused: set[str] = set()

    def look(self, now: float, *, tells: bool = True) -> list[str]:
        """Look, if it is time. Returns the ids of the runs that were found to be missed.

        tells: whether they are written as well, or somebody else tells of them.
        """
        if not self._plans or self._next - INTERVAL <= now < self._next:
            return []
        self._next = now + INTERVAL
        batch, missed, changed = Batch(), [], []
        with self._database.reading() as connection:
            for plan in self._plans:
                try:
                    seen, gone = judge(connection, plan, now)
                except ScheduleError as error:
                    self._refuse(plan, error)
                    continue
                changed.append((plan, seen))
                where = _where(connection, plan)
                for at in gone if tells else ():
                    events = missed_run(where, at)
                    missed.append(events[0].job.id)
                    for event in events:
                        batch.add_ended(ended(event, self._origin, Shape(), now))
        if batch:
            self._writer.write(batch)
        with self._database.writing() as connection:
            for plan, seen in changed:
                _note(connection, plan, seen)
            _forget_others(connection, self._plans)
        return missed

    def _refuse(self, plan: Schedule, error: ScheduleError) -> None:
        if plan.name not in self._refused:
            self._refused.add(plan.name)
            logger.warning("%s; it is not watched", one_line(str(error), 300))


def judge(connection: Connection, plan: Schedule, now: float) -> tuple[Seen, list[float]]:
    """What is known of a schedule by now, and the due times that were missed."""
    seen = _seen(connection, plan, now)
    series = series_of(connection, plan)
    if plan.cron is None:
        return _judge_interval(connection, plan, seen, series, now)
    due = previous_due(plan, now)
    judged, in_a_row = seen.judged, seen.missed
    missed: list[float] = []
    for at in dues(plan, max(seen.judged, seen.watched_since - 1), now - plan.grace - SETTLE):
        ran = came(connection, series, at - plan.early, at + plan.grace)
        in_a_row = 0 if ran else in_a_row + 1
        if not ran:
            missed.append(at)
        judged = at
    return seen._replace(judged=judged, last_due=due, next_due=next_due(plan, now), missed=in_a_row), missed


def _judge_interval(
    connection: Connection, plan: Schedule, seen: Seen, series: Sequence[int], now: float
) -> tuple[Seen, list[float]]:
    """A run is due so long after the last one; after one that was missed, once more so long."""
    every = plan.every or 0.0
    last = latest(connection, series)
    ran = last is not None and last.at > seen.judged
    base = last.at if last is not None and ran else seen.judged
    in_a_row, judged = 0 if ran else seen.missed, seen.judged
    missed: list[float] = []
    while every > 0 and base + every + plan.grace + SETTLE <= now:
        base += every
        judged = base
        missed.append(base)
        in_a_row += 1
    # The last run, and the moment from when on somebody watched, fell due at no time that is known.
    last_due = base if missed else seen.last_due
    return seen._replace(judged=judged, last_due=last_due, next_due=base + every, missed=in_a_row), missed


def _where(connection: Connection, plan: Schedule) -> Schedule:
    """The plan with the source and the queue that its job was seen in, if the config says none."""
    found = connection.row("SELECT source, queue FROM series WHERE name = ? ORDER BY id", (plan.job,))
    source, queue = found or ("schedule", None)
    return msgspec.structs.replace(plan, source=plan.source or source, queue=plan.queue or queue or None)


def _seen(connection: Connection, plan: Schedule, now: float) -> Seen:
    columns = ", ".join(Seen._fields)
    row = connection.row(f"SELECT {columns} FROM schedule WHERE name = ? AND plan = ?", (plan.name, _stored(plan)))
    if row is None:  # it is new, or another one than before
        return Seen(watched_since=now, looked_at=now, judged=now)
    seen = Seen(*row)
    if abs(now - seen.looked_at) > GAP:  # also where the clock was set back
        seen = seen._replace(watched_since=now, judged=min(max(seen.judged, now - 1), now))
    return seen._replace(looked_at=now)


def _note(connection: Connection, plan: Schedule, seen: Seen) -> None:
    names = ("name", "plan", *Seen._fields)
    changes = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
    connection.run(
        f"INSERT INTO schedule ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        f" ON CONFLICT (name) DO UPDATE SET {changes}",
        (plan.name, _stored(plan), *seen),
    )


def _forget_others(connection: Connection, plans: Sequence[Schedule]) -> None:
    names = {plan.name for plan in plans}
    for (name,) in connection.rows("SELECT name FROM schedule"):
        if name not in names:
            connection.run("DELETE FROM schedule WHERE name = ?", (name,))


def _stored(plan: Schedule) -> str:
    return msgspec.json.encode(plan).decode()
