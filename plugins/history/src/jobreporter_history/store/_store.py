"""Reading a history: the one object that readers have."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from jobreporter_history._engines.database import Connection, Database
from jobreporter_history._engines.sqlite import SqliteDatabase
from jobreporter_history._incidents import requests
from jobreporter_history._incidents.requests import Action
from jobreporter_history._open import open_database
from jobreporter_history._read import counting, export, figures, incidents, lookup, running, schedules, state
from jobreporter_history._read.figures import Range
from jobreporter_history._read.glimpses import glimpses
from jobreporter_history._read.names import Names
from jobreporter_history._read.walk import BUDGET, walk
from jobreporter_history._read.whose import Whose
from jobreporter_history._records.executions import Count, Execution, ExecutionDetail, Page, Running
from jobreporter_history._records.figures import Figures, Overview, Point
from jobreporter_history._records.incidents import Facets, Glimpse, Happening, Incident, IncidentDetail, State
from jobreporter_history._records.state import Health, Process, Release, Schedule
from jobreporter_history._records.terms import Terms
from jobreporter_history._schema import migrations, size
from jobreporter_history.store._outbox import Outbox

Order = Literal["urgency", "last_fail", "first_seen", "failed"]


def open_store(url: str, *, clock: Callable[[], float] | None = None) -> Store:
    """The history at a URL, to be read: ``sqlite:///var/lib/shop/history.db``, or ``postgresql://...``.

    Nothing is opened yet: a file that isn't there, or a server that doesn't answer, shows with the first question.
    clock: the time, instead of the system's or the server's. Raises `StoreError` for a URL that names no store.
    """
    return Store(open_database(url, clock))


class Store:
    """A history. Any number of threads may ask at a time; each question has a connection of its own.

    Every method may raise `StoreError`, whose message is a sentence for people: `Unavailable` where it can be asked
    again in a moment, `Damaged` where the file is damaged, `Refused` where somebody has to do something first.
    Times are Unix seconds, durations are seconds.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._names = Names()
        #: Which opening of the database was looked at.
        self._opened = 0

    def close(self) -> None:
        """Close what is open. The next question opens it again."""
        self._database.close()

    def now(self) -> float:
        """The time by which its writers go."""
        return self._database.now()

    # Executions

    def executions(
        self, terms: Terms = (), *, before: int | None = None, limit: int = 50, budget: float = BUDGET
    ) -> Page:
        """The executions for which all terms hold, the newest first.

        before: where to go on, as the last page says. budget: seconds after which the search ends, and says how far back
        it got.
        """
        with self._reading() as connection:
            return walk(connection, self._names, terms, before=before, limit=limit, budget=budget)

    def count(self, terms: Terms = (), *, budget: float = BUDGET) -> Count:
        """How many executions there are for which all terms hold, up to a thousand where the rollups can't say."""
        with self._reading() as connection:
            return counting.count(connection, self._names, terms, budget)

    def execution(self, execution_id: str) -> ExecutionDetail | None:
        """One execution that has ended, with its error."""
        with self._reading() as connection:
            return lookup.one(connection, self._names, execution_id)

    def attempts(
        self,
        job_id: str,
        *,
        source: str | None = None,
        service: str | None = None,
        environment: str | None = None,
        limit: int = 200,
    ) -> tuple[Execution, ...]:
        """The executions of one job that have ended, the oldest first.

        source, service, environment: only those of there, where ids of jobs count from 1; by default whosever they are.
        """
        whose = Whose(source, service, environment)
        with self._reading() as connection:
            return lookup.attempts(connection, self._names, job_id, whose, limit)

    def line(
        self,
        root_id: str,
        *,
        source: str | None = None,
        service: str | None = None,
        environment: str | None = None,
        limit: int = 500,
    ) -> tuple[Execution, ...]:
        """The executions that have ended of every job that one led to, itself included, the oldest first.

        source, service, environment: only those of there.
        """
        whose = Whose(source, service, environment)
        with self._reading() as connection:
            return lookup.line(connection, self._names, root_id, whose, limit)

    def every(self, since: float = 0.0, until: float = 8e9) -> Iterator[ExecutionDetail]:
        """Every execution that ended within a range, with its error, the oldest first."""
        with self._reading() as connection:
            yield from export.every(connection, self._names, since, until)

    def running(
        self,
        *,
        execution_id: str | None = None,
        job_id: str | None = None,
        root_id: str | None = None,
        source: str | None = None,
        service: str | None = None,
        environment: str | None = None,
        limit: int = 200,
    ) -> tuple[Running, ...]:
        """What has started and not ended, the longest first: everything, or one execution, one job's or one line's.

        source, service, environment: of a job or a line, only what runs there.
        """
        whose = Whose(source, service, environment)
        now = self.now()
        with self._reading() as connection:
            if execution_id is not None:
                found = running.one(connection, self._names, now, execution_id)
                return () if found is None else (found,)
            if job_id is not None:
                return running.of_job(connection, self._names, now, job_id, whose)
            if root_id is not None:
                return running.of_line(connection, self._names, now, root_id, whose)
            return running.all_running(connection, self._names, now, limit)

    def running_count(self) -> int:
        """How many have started and not ended."""
        with self._reading() as connection:
            return running.count(connection)

    # Figures

    def overview(self, since: float, until: float, *, step: int | None = None) -> Overview:
        """Everything that ended within a range, by steps, queues and jobs. The figures of steps have no durations.

        step: seconds; by default, so long that there are 60 steps at most. It grows to what is kept of so old a range.
        """
        now = self.now()
        with self._reading() as connection:
            return figures.overview(connection, self._names, Range(since, until, now, step))

    def job(
        self,
        name: str,
        since: float,
        until: float,
        *,
        service: str | None = None,
        environment: str | None = None,
        source: str | None = None,
        queue: str | None = None,
        step: int | None = None,
    ) -> tuple[float, Figures, tuple[Point, ...]]:
        """One job within a range: seconds of a step, the figures of the range, and those of each step, with durations.

        service, environment, source, queue: only there; by default wherever a job has this name.
        """
        wanted = {"service": service, "environment": environment, "source": source, "queue": queue, "name": name}
        given = {field: value for field, value in wanted.items() if value is not None}
        now = self.now()
        with self._reading() as connection:
            ids = [
                number
                for number, each in self._names.all_series(connection).items()
                if given.items() <= each._asdict().items()
            ]
            asked = Range(since, until, now, step)
            length, points = figures.job(connection, ids, asked)
            return length, figures.total_of(connection, ids, asked), points

    # Incidents

    def incidents(
        self,
        states: Sequence[State] = (),
        *,
        job: str | None = None,
        find: str = "",
        order: Order = "urgency",
        limit: int = 100,
        offset: int = 0,
    ) -> tuple[Incident, ...]:
        """Incidents in one of the states, or in any; in the order in which they need somebody, or another.

        job: only those that a job of this name was seen in. find: only those in which this text stands, in the name of a
        job, the error's type, its newest message, or the parts of the fingerprint.
        """
        with self._reading() as connection:
            series: Iterable[int] | None = None
            if job is not None:
                series = [number for number, each in self._names.all_series(connection).items() if each.name == job]
            return incidents.incidents(
                connection, states=states, series=series, find=find, order=order, limit=limit, offset=offset
            )

    def incident_count(self, states: Sequence[State] = (), *, find: str = "") -> int:
        """How many incidents there are in one of the states, or in any."""
        with self._reading() as connection:
            return incidents.count(connection, states, find)

    def incident(self, id: int) -> IncidentDetail | None:
        """One incident, with all that happened to it."""
        now = self.now()
        with self._reading() as connection:
            return incidents.incident(connection, self._names, id, now)

    def glimpses(self, ids: Collection[int]) -> dict[int, Glimpse]:
        """What lists tell of some incidents, by their numbers: the newest message, and the failures of the last day."""
        now = self.now()
        with self._reading() as connection:
            return glimpses(connection, ids, now) if ids else {}

    def facets(self, id: int) -> Facets:
        """Who and where: what an incident's newest failures have in common."""
        with self._reading() as connection:
            return incidents.facets(connection, self._names, id)

    def resolve(self, incident: int, *, release: str | None = None, by: str = "") -> int:
        """Ask the keeper to have the incident resolved. release: the one that it is fixed in: failures in releases before
        that one don't open it again. by: who asks. Returns the number of the request, for `answer`.
        """
        return self._ask(incident, "resolve", by=by, release=release)

    def silence(self, incident: int, until: float, *, by: str = "") -> int:
        """Ask the keeper that nobody is told of the incident until that time. Returns the number of the request."""
        return self._ask(incident, "silence", by=by, until=until)

    def unsilence(self, incident: int, *, by: str = "") -> int:
        """Ask the keeper to end the silence. Returns the number of the request."""
        return self._ask(incident, "unsilence", by=by)

    def answer(self, request: int) -> str | None:
        """What became of a request, in a sentence; ``None`` while no keeper has come to it."""
        with self._reading() as connection:
            return requests.answered(connection, request)

    def outbox(self, reader: str, *, repeat: float | None = None, tell: Collection[Happening] | None = None) -> Outbox:
        """What one reader is to tell people. reader: its name; what it has told is kept under that.

        repeat: seconds after which people are reminded of an incident that is still open and fails; ``None``: never.
        tell: what it tells of all that people are told; ``None``: everything.
        """
        return Outbox(self._database, self._names, reader, repeat, tell)

    # The store

    def releases(self) -> tuple[Release, ...]:
        """Every release, in the order of its first sight."""
        with self._reading() as connection:
            return state.releases(connection)

    def processes(self) -> tuple[Process, ...]:
        """Every process that has reported of late, with the ledgers of its reporters."""
        with self._reading() as connection:
            return state.processes(connection)

    def schedules(self) -> tuple[Schedule, ...]:
        """Every schedule that is watched: its last and next runs, how late it is, and how many runs in a row were missed."""
        now = self.now()
        with self._reading() as connection:
            return schedules.schedules(connection, now)

    def health(self) -> Health:
        """How the store fares."""
        with self._reading() as connection:
            return Health(
                url=self._database.shown,
                engine=self._database.name,
                schema=migrations.version(connection),
                bytes=size.used(connection),
                oldest_success=state.oldest(connection, "ok"),
                oldest_failure=state.oldest(connection, "bad"),
                written_at=state.written_at(connection),
                immutable=isinstance(self._database, SqliteDatabase) and self._database.immutable,
                damaged=state.damaged(connection),
            )

    def mark(self) -> str:
        """A text that changes whenever something was written, and every 15 s: for those who look again and again."""
        now = self.now()
        with self._reading() as connection:
            return state.mark(connection, now)

    def _ask(
        self, incident: int, action: Action, *, by: str, until: float | None = None, release: str | None = None
    ) -> int:
        now = self.now()
        with self._database.writing() as connection:
            return requests.ask(connection, incident, action, now=now, by=by, until=until, release=release)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._database.reading() as connection:
            if (opened := self._database.opened_to_read) != self._opened:
                migrations.check_version(connection)
                self._names.forget()
                self._opened = opened
            yield connection
