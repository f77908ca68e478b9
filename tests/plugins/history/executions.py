"""Executions for tests, and writing them as the reporter does."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from jobreporter import Event, Failure, Job, Origin, Started, Stopped, Success
from jobreporter.testing import make_error, make_job
from jobreporter_history._engines.database import Database
from jobreporter_history._open import open_database
from jobreporter_history._rows.events import Shape, begun, ended
from jobreporter_history._write.batch import Batch
from jobreporter_history._write.writer import Writer

#: 2023-11-14T22:13:20Z.
NOW = 1_700_000_000.0
ORIGIN = Origin(service="shop", environment="production", release="1.0", host="web-1", pid=7, version="0.1.0")
SHAPE = Shape()

_numbers = itertools.count()


def new_job(**fields: Any) -> Job:
    """A job that is no other's."""
    number = next(_numbers)
    return make_job(
        **{"id": f"job-{number}", "name": "shop.tasks.charge", "source": "celery", "queue": "mail", **fields}
    )


def batch_of(events: Iterable[Event], origin: Origin = ORIGIN, shape: Shape = SHAPE, now: float = 4e9) -> Batch:
    """The events as one batch."""
    batch = Batch()
    for event in events:
        if isinstance(event, Started):
            batch.add_begun(begun(event, origin, shape))
        else:
            batch.add_ended(ended(event, origin, shape, now))
    return batch


def write(store: str | Database, events: Sequence[Event], origin: Origin = ORIGIN, shape: Shape = SHAPE) -> None:
    """Write events in one batch."""
    database = open_database(store) if isinstance(store, str) else store
    if events:
        Writer(database).write(batch_of(events, origin, shape))
    else:
        with database.writing():
            pass  # the tables are made
    if isinstance(store, str):
        database.close()


def succeeded(at: float, duration: float = 0.5, **fields: Any) -> list[Event]:
    """The events of an execution that went well."""
    job = fields.pop("job", None) or new_job(**fields)
    return [
        Started(job=job, at=at - duration),
        Success(job=job, at=at, duration=duration, queue_wait=0.1),
        Stopped(job=job, at=at, outcome="success", duration=duration),
    ]


def failed(at: float, duration: float = 0.5, *, event: dict[str, Any] | None = None, **fields: Any) -> list[Event]:
    """The events of an execution that failed. event: fields of the failure."""
    job = fields.pop("job", None) or new_job(**fields)
    given = {"error": make_error("shop.errors.Declined", "no funds"), "duration": duration, **(event or {})}
    return [
        Started(job=job, at=at - duration),
        Failure(job=job, at=at, **given),
        Stopped(job=job, at=at, outcome="failure", duration=duration),
    ]
