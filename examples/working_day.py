"""Hours of the intake's work in a moment: what workers of three job queues would have told the history meanwhile.

The demo shows real workers; a picture wants more than what they do in a minute.
"""

from __future__ import annotations

import itertools
import math
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from msgspec.structs import replace

from jobreporter import Aborted, Dispatcher, ErrorInfo, Event, Failure, Frame, Job, Started, Stopped, Success
from jobreporter.testing import make_error, make_job
from jobreporter_history import HistoryReporter
from jobreporter_history.store import open_store

HOUR = 3600.0
LENGTH = 7 * HOUR
#: Executions that are told at once, well below what waits at most.
CHUNK = 500
#: Seconds that a long job takes at least.
LONG = 5.0
PATIENCE = 60.0


class Work(NamedTuple):
    """A job that comes again and again. every, takes, waits: seconds, on the average."""

    name: str
    source: str
    queue: str
    every: float
    takes: float
    waits: float
    args: Sequence[Any]


class Trouble(NamedTuple):
    """What makes a share of a job's executions fail. since, until: hours before now. retried: whether another attempt follows."""

    job: str
    since: float
    until: float
    share: float
    error: ErrorInfo
    retried: bool = False


class Told(NamedTuple):
    """The events of one execution."""

    ended: float
    events: Sequence[Event]


WORK = (
    Work("intake.jobs.register", "celery", "intake", 10, 0.4, 0.3, ("terms.txt",)),
    Work("intake.jobs.index_words", "celery", "intake", 14, 2.2, 0.8, ("5b0c2e9d41f7a386",)),
    Work("intake.jobs.remind", "celery", "desk", 60, 0.05, 0.2, ("order paper",)),
    Work("intake.jobs.total_invoices", "huey", "invoices", 40, 1.1, 0.5, ("april.csv",)),
    Work("intake.jobs.close_month", "huey", "invoices", 150, 0.6, 0.5, ("march.csv",)),
    Work("intake.jobs.archive_log", "rq", "archive", 30, 6.5, 2.0, ("gate.log",)),
    Work("intake.jobs.proofread", "rq", "archive", 110, 75.0, 9.0, ("terms.txt",)),
)


def raised(kind: str, message: str, module: str, function: str, line: int) -> ErrorInfo:
    """An error of the intake's own code."""
    where = Frame(filename=f"{module.replace('.', '/')}.py", lineno=line, function=function, module=module, in_app=True)
    return make_error(kind, message, frames=(where,))


#: In which releases it ran, by hours before now from which on.
RELEASES = {LENGTH / HOUR: "2026.11.3", 1.3: "2026.11.4"}
TROUBLES = (
    Trouble(
        "intake.jobs.total_invoices",
        *(1.3, 0, 0.35),
        raised(
            "intake.invoices.InvoiceError",
            "april.csv, line 4: '12,90' is not an amount",
            "intake.invoices",
            "total",
            27,
        ),
    ),
    Trouble(
        "intake.jobs.close_month",
        *(7, 0, 0.2),
        raised("intake.jobs.TotalsMissingError", "march.csv has no totals yet", "intake.jobs", "close_month", 60),
        retried=True,
    ),
    Trouble(
        "intake.jobs.archive_log",
        *(3.9, 3.4, 0.6),
        raised("builtins.OSError", "[Errno 28] No space left on device", "intake.jobs", "archive_log", 74),
        retried=True,
    ),
)


@contextmanager
def working_day(history: str) -> Iterator[None]:
    """Tell the history of it, and wait until it has decided what needs somebody. What still runs does so until the block ends."""
    chance = random.Random(12)  # noqa: S311 - nothing secret: the same day each time
    now = time.time()
    told = sorted((each for work in WORK for each in executions(work, chance, now)), key=lambda each: each.ended)
    first, second = RELEASES
    cut = now - second * HOUR
    with reporting(history, RELEASES[first]) as dispatcher:
        publish(dispatcher, [each for each in told if each.ended < cut])
    with reporting(history, RELEASES[second]) as dispatcher:
        publish(dispatcher, [each for each in told if each.ended >= cut])
        wait_for_upkeep(history)
        yield


def wait_for_upkeep(history: str) -> None:
    """Until an incident is open, and the process has shown that it lives. Raises AssertionError after `PATIENCE` seconds."""
    store = open_store(history)
    deadline = time.monotonic() + PATIENCE
    while not (store.incidents(("open",)) and store.processes()):
        assert time.monotonic() < deadline, "no incident was opened, or no process is known"
        time.sleep(0.05)
    store.close()


def reporting(history: str, release: str) -> Dispatcher:
    """A dispatcher whose one reporter is the history."""
    context = {"service": "intake", "environment": "production", "release": release}
    config = {"context": context, "reporters": {"history": {"store": history}}}
    return Dispatcher({"history": HistoryReporter}, config=config)


def publish(dispatcher: Dispatcher, told: Sequence[Told]) -> None:
    """Hand it all over, and wait until it is written."""
    for first in range(0, len(told), CHUNK):
        for event in itertools.chain.from_iterable(each.events for each in told[first : first + CHUNK]):
            dispatcher.publish(event)
        assert dispatcher.flush(PATIENCE)


def executions(work: Work, chance: random.Random, now: float) -> Iterator[Told]:
    """All of a job's executions, with the further attempts of those that failed. Of a long job, one is running now."""
    at = now - LENGTH
    while (at := at + chance.expovariate(busy(at) / work.every)) < now:
        takes, waits = (mean * chance.lognormvariate(0, 0.5) for mean in (work.takes, work.waits))
        yield from attempts(new_job(work, at - waits, chance), at, takes, chance, now)
    if work.takes >= LONG:
        at = now - 0.7 * work.takes
        yield Told(now, [Started(job=new_job(work, at - work.waits, chance), at=at)])


def new_job(work: Work, enqueued_at: float, chance: random.Random) -> Job:
    """One more of these."""
    return make_job(
        name=work.name,
        source=work.source,
        queue=work.queue,
        args=tuple(work.args),
        id=f"{chance.getrandbits(64):016x}",
        enqueued_at=enqueued_at,
        worker=f"intake-{work.source}:{chance.randint(1, 4)}",
    )


def attempts(job: Job, at: float, takes: float, chance: random.Random, now: float) -> Iterator[Told]:
    """A job's executions. at: when the first one starts."""
    ends = at + takes
    if ends >= now:
        yield Told(ends, [Started(job=job, at=at)])
        return
    trouble = next((each for each in TROUBLES if each.job == job.name and meets(each, (now - at) / HOUR, chance)), None)
    if trouble is None:
        yield went_well(job, at, ends, expired=job.name == "intake.jobs.remind" and chance.random() < 0.04)
        return
    failure = Failure(
        job=job, at=ends, error=trouble.error, will_retry=trouble.retried, duration=takes, queue_wait=waited(job, at)
    )
    yield Told(ends, [Started(job=job, at=at), failure, Stopped(job=job, at=ends, outcome="failure", duration=takes)])
    if trouble.retried and ends + 60 + takes < now:
        again = replace(job, attempt=2, execution_id=f"{job.id}/2", enqueued_at=ends + 60)
        yield went_well(again, ends + 60, ends + 60 + takes)


def went_well(job: Job, at: float, ends: float, *, expired: bool = False) -> Told:
    """An execution that didn't fail."""
    takes = ends - at
    if expired:
        outcome: Event = Aborted(job=job, at=ends, reason="expired", will_retry=False, duration=takes)
    else:
        outcome = Success(job=job, at=ends, duration=takes, queue_wait=waited(job, at))
    ended = Stopped(job=job, at=ends, outcome="aborted" if expired else "success", duration=takes)
    return Told(ends, [Started(job=job, at=at), outcome, ended])


def waited(job: Job, at: float) -> float:
    """Seconds that it was in the queue before it started."""
    return 0.0 if job.enqueued_at is None else at - job.enqueued_at


def meets(trouble: Trouble, hours: float, chance: random.Random) -> bool:
    """Whether an execution that started so many hours ago runs into it."""
    return trouble.until <= hours < trouble.since and chance.random() < trouble.share


def busy(at: float) -> float:
    """How many documents come in at a time, as a share of the usual: it goes up and down."""
    return 1 + 0.45 * math.sin(at / HOUR * 1.7) + 0.2 * math.sin(at / HOUR * 9)
