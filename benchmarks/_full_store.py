"""A store full of executions of the last month: several queues, programs and releases, incidents, lines of jobs, what runs now."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator
from typing import NamedTuple

from jobreporter import Context, ErrorInfo, Event, Failure, Frame, Job, Origin, Secret, Started, Success
from jobreporter.schedules import Schedule
from jobreporter_history import HistoryOptions
from jobreporter_history._engines.database import Database
from jobreporter_history._open import open_database
from jobreporter_history._rows.events import Shape, begun, ended
from jobreporter_history._schedules.watch import Watch
from jobreporter_history._session import Session
from jobreporter_history._upkeep.retention import Keep, prune
from jobreporter_history._write.batch import Batch
from jobreporter_history._write.writer import Writer

DAYS = 29.5
#: A word that one in a thousand has among its arguments.
RARE = "zeppelin"
RUNNING = 150
#: Executions that are written at once; a reporter writes 250 at most, and takes longer.
_AT_ONCE = 4000
_SHAPE = Shape()
_QUEUES = ("default", "mail", "webhooks", "reports", "media")
_SOURCES = ("celery", "dramatiq", "rq", "huey")
_JOBS = tuple(f"shop.{queue}.job_{number:02}" for queue in _QUEUES for number in range(10))
_ERRORS = tuple(f"shop.errors.Error{number:02}" for number in range(40))
_CUSTOMERS = tuple(f"customer-{number}" for number in range(500))
_SCHEDULES = tuple(Schedule(name=f"schedule-{number}", job=_JOBS[number], every=3600.0) for number in range(12))


class Example(NamedTuple):
    """What pages are asked about: one that failed, of those that failed most."""

    execution_id: str
    root_id: str
    job: str
    incident: int


def fill(url: str, count: int) -> None:
    """Fill an empty store with so many executions."""
    database = open_database(url)
    writer, now = Writer(database), time.time()
    batch, left = Batch(), _AT_ONCE
    for event, origin in _events(count, now):
        if isinstance(event, Started):
            batch.add_begun(begun(event, origin, _SHAPE))
        else:
            batch.add_ended(ended(event, origin, _SHAPE, now))
            left -= 1
        if not left:
            writer.write(batch)
            batch, left = Batch(), _AT_ONCE
    if batch:
        writer.write(batch)
    _keep(database, url)


def example(url: str) -> Example:
    """Something that is in it."""
    database = open_database(url)
    with database.reading() as connection:
        [(number,)] = connection.rows("SELECT id FROM incident ORDER BY failed DESC LIMIT 1")
        [name] = connection.rows("SELECT name FROM days WHERE name LIKE 'bad%' ORDER BY name DESC LIMIT 1")
        sql = "SELECT x.execution_id, x.root_id, s.name FROM {} x JOIN series s ON s.id = x.series WHERE x.incident = ? LIMIT 1"
        [(execution_id, root_id, job)] = connection.rows(sql.format(*name), (number,))
    database.close()
    return Example(execution_id, root_id, job, number)


def _events(count: int, now: float) -> Iterator[tuple[Event, Origin]]:
    chance = random.Random(7)  # noqa: S311 - chance, and no secret
    begin, apart = now - DAYS * 86_400, DAYS * 86_400 / count
    root = ""
    for number in range(count):
        at = begin + (number + 1) * apart - 1
        job = _job(chance, number, at, root)
        root = job.root_id or ""
        took, origin = chance.lognormvariate(-1, 1), _origin(chance, at, begin)
        yield Started(job=job, at=at - took), origin
        tags = {"customer": chance.choice(_CUSTOMERS), "plan": chance.choice(("free", "pro"))}
        common = {"job": job, "at": at, "duration": took, "queue_wait": chance.random(), "tags": tags}
        if chance.random() < 0.05:
            error = _error(chance, job)
            yield Failure(**common, error=error, will_retry=chance.random() < 0.6), origin
        else:
            yield Success(**common), origin
    for number in range(RUNNING):
        at = now - 7200 * chance.random()
        yield Started(job=_job(chance, number, at, ""), at=at), _origin(chance, at, begin)


def _job(chance: random.Random, number: int, at: float, root: str) -> Job:
    uid = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    kind = min(int(chance.expovariate(0.06)), len(_JOBS) - 1)
    is_first = number % 3 == 0
    return Job(
        id=uid,
        execution_id=uid,
        name=_JOBS[kind],
        source=_SOURCES[kind % len(_SOURCES)],
        queue=_QUEUES[kind // 10],
        args=(number, RARE if number % 1000 == 0 else "a report, in three parts"),
        kwargs={"amount": chance.randrange(10_000)},
        enqueued_at=at - 2,
        worker=f"web-{kind % 8}:{kind % 32}",
        max_attempts=4,
        root_id=uid if is_first else root,
        parent_id=None if is_first else root,
    )


def _origin(chance: random.Random, at: float, begin: float) -> Origin:
    number = chance.randrange(32)
    return Origin(
        service="shop",
        environment="production",
        release=f"1.{int((at - begin) // (2 * 86_400))}",
        host=f"web-{number % 8}",
        pid=1000 + number,
        version="0.1.0",
    )


def _error(chance: random.Random, job: Job) -> ErrorInfo:
    kind = chance.choice(_ERRORS)
    frames = tuple(
        Frame(
            filename=f"/srv/shop/shop/{module}.py",
            lineno=40 + line,
            function=f"charge_{kind[-2:]}",
            module=f"shop.{module}",
            in_app=True,
        )
        for line, module in enumerate(("tasks", "bank", "cards"))
    )
    return ErrorInfo(type=kind, message=f"order {chance.randrange(10_000)} of {job.name} was declined", frames=frames)


def _keep(database: Database, url: str) -> None:
    """What a keeper does: decisions, schedules, signs of life of every process, and what is too old goes."""
    now = time.time()
    options = HistoryOptions(store=Secret(url), keep_success=1e9, keep_failure=1e9, max_bytes=10**12)
    for pid in range(16):
        context = Context(service="shop", environment="production", host="web-1", pid=pid, version="0.1.0", stats=dict)
        session = Session(database, options, context, clock=lambda: now + 20)
        session.open()
        session.upkeep._heartbeat.beat(now + 40, agent=False)
    Watch(database, _SCHEDULES, context.origin).look(now, tells=False)
    session.upkeep.keeper.take(database.now())
    session.upkeep.keeper.decide(database.now())
    prune(database, Keep(1e9, 1e9, 1e9, None, None), now)
    database.close()
