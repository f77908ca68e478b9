"""Over random jobs: an outcome is what RQ has stored, and whether another attempt follows is whether one did."""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest
import rq
from drawn import AGAIN, JOBS, numbers, pick
from redis import Redis
from rq import Callback, Retry, get_current_job
from rq.job import Job, JobStatus
from rq.results import Result
from rq.timeouts import JobTimeoutException
from rq_bench import Bench, die, refuse, wait_until_started
from scenarios import summary

from jobreporter import Abort, Execution
from jobreporter.events import Aborted, Failure, Started, Stopped, Success
from jobreporter.sources.rq import Queue


def raising(error: Callable[[], BaseException]) -> Callable[[], None]:
    def end() -> None:
        raise error()

    return end


def replace_meta() -> None:
    job = get_current_job()
    assert job is not None
    job.meta = {"own": os.getpid()}
    job.save_meta()
    raise RuntimeError


def put_back() -> None:
    """By its own hand, where RQ would not. Where both do, it is in the queue twice, and runs after its own end."""
    job, execution = get_current_job(), Execution.current()
    assert job is not None
    assert execution is not None
    if not job.should_retry:
        job.connection.sadd("by hand", execution.job.execution_id)
        rq.Queue(job.origin, connection=job.connection).enqueue_job(job)
    raise RuntimeError


class TroubleError(Exception):
    """What the program's own exception handler can't deal with."""


def handle(_job: Job, kind: type[BaseException], *_error: object) -> None:
    if kind is TroubleError:
        raise LookupError


#: How an attempt may end, and how often.
ENDS: dict[str, tuple[int, Callable[[], Any]]] = {
    "returns": (30, lambda: 42),
    "returns nothing": (5, lambda: None),
    "returns what can't be saved": (5, lambda: lambda: None),
    "raises": (30, raising(RuntimeError)),
    "replaces its meta and raises": (8, replace_meta),
    "puts itself back and raises": (5, put_back),
    "exits": (4, raising(lambda: SystemExit(0))),
    "is cancelled": (3, raising(KeyboardInterrupt)),
    "is overdue": (5, raising(lambda: JobTimeoutException("too long"))),
    "asks for another try": (10, lambda: Retry(max=2)),
    "asks for another try later": (5, lambda: Retry(max=3, interval=30)),
    "gives up": (6, raising(lambda: Abort("skipped"))),
    "gives up for now": (6, raising(lambda: Abort("not_yet", will_retry=True))),
}


def leave(code: int) -> None:
    wait_until_started()
    os._exit(code)


#: What only a horse can do.
DEATHS: dict[str, tuple[int, Callable[[], Any]]] = {
    "is killed": (8, die),
    "leaves with a code": (5, partial(leave, 3)),
    "vanishes": (5, partial(leave, 0)),
    "raises, and so does the handler": (8, raising(TroubleError)),
}


#: In seconds.
DAY = 86_400


class Drawn(NamedTuple):
    """One job: how its attempts end, one after the other, and how it is enqueued."""

    id: str
    ends: list[str]
    retries: int
    options: dict[str, Any]
    kind: type[rq.Queue]


def draw(chance: random.Random, ends: dict[str, tuple[int, Callable[[], Any]]], number: int) -> Drawn:
    weights = {end: weight for end, (weight, _) in ends.items()}
    retries = pick(chance, {0: 4, 1: 3, 2: 2, 3: 1})
    options: dict[str, Any] = {}
    if retries:
        interval = pick(chance, {0: 4, 20: 2, (0, 60): 1})
        options["retry"] = Retry(max=retries, interval=list(interval) if isinstance(interval, tuple) else interval)
    if chance.random() < 0.1:
        options[pick(chance, {"on_success": 1, "on_failure": 1})] = Callback(refuse)
    # What is to be kept is kept for longer than the test takes: by default RQ forgets it after 500 seconds.
    options["result_ttl"] = 0 if chance.random() < 0.1 else DAY
    # More ends than it may have attempts: the last is one that ends it for good.
    drawn = [pick(chance, weights) for _ in range(9)]
    return Drawn(f"job-{number}", [*drawn, "raises"], retries, options, chance.choice([Queue, rq.Queue]))


#: What the jobs of this test do, by their ids.
JOBS_DRAWN: dict[str, Drawn] = {}


def act(name: str) -> Any:
    """Note that an attempt has begun, and end as the job was drawn."""
    job = get_current_job()
    assert job is not None
    execution = Execution.current()
    ran = job.connection.rpush(f"ran:{name}", execution.job.execution_id if execution else "?")
    ends = JOBS_DRAWN[name].ends
    return {**ENDS, **DEATHS}[ends[min(ran, len(ends)) - 1]][1]()


def stored(job_id: str, connection: Redis) -> tuple[str | None, dict[str, str]]:
    """The job's status, and the kind of each result that RQ has kept, by execution."""
    if not Job.exists(job_id, connection):
        return None, {}
    job = Job.fetch(job_id, connection=connection)
    results = {f"{job_id}:{result.execution_id}": result.type.name for result in job.results()}
    return job.get_status().value, results


#: What RQ keeps of an execution, by what is reported of it; nothing of a failure that is tried again.
RESULTS: dict[str, set[str]] = {
    "success": {Result.Type.SUCCESSFUL.name},
    "given up": {Result.Type.SUCCESSFUL.name},
    "asked for another try": {Result.Type.RETRIED.name},
    "failure, final": {Result.Type.FAILED.name, Result.Type.MAX_RETRIES_EXCEEDED.name, "none"},
    "failure, will retry": {"none"},
}


def kind_of(event: Any) -> str:
    if isinstance(event, Success):
        return "success"
    if isinstance(event, Aborted):
        return "asked for another try" if event.will_retry else "given up"
    assert isinstance(event, Failure)
    assert event.will_retry is not None
    return "failure, will retry" if event.will_retry else "failure, final"


@pytest.mark.parametrize("kind", ["simple", "horses"])
def test_what_is_reported_is_what_rq_has_stored(kind: str, request: pytest.FixtureRequest) -> None:
    """How each attempt ended, whether another one followed, and how many of how many there were."""
    bench: Bench = request.getfixturevalue("bench" if kind == "simple" else "stable")
    chance = numbers(f"rq {kind}")
    ends = ENDS if kind == "simple" else {**ENDS, **DEATHS}
    if kind == "horses":
        bench.worker.push_exc_handler(handle)
    JOBS_DRAWN.clear()
    for number in range(JOBS):
        job = draw(chance, ends, number)
        JOBS_DRAWN[job.id] = job
        job.kind("desk", connection=bench.connection).enqueue(act, job.id, job_id=job.id, **job.options)
    while not all(map(partial(is_left_alone, bench.connection), JOBS_DRAWN)):
        bench.work()
        bench.look_after_the_queue()
    reported: defaultdict[str, dict[str, list[Any]]] = defaultdict(dict)
    for event in bench.events:
        reported[event.job.id].setdefault(event.job.execution_id, []).append(event)

    for job in JOBS_DRAWN.values():
        check(job, reported[job.id], bench.connection, f"{AGAIN}: {job}")


def check(job: Drawn, executions: dict[str, list[Any]], connection: Redis, told: str) -> None:
    """What was reported of one job is what became of it."""
    ran = [entry.decode() for entry in connection.lrange(f"ran:{job.id}", 0, -1)]
    told += "\n" + "\n".join(f"{name}: {[summary(event) for event in events]}" for name, events in executions.items())
    outcomes = [events[-2] for events in executions.values()]
    status, results = stored(job.id, connection)

    # Each attempt that ran is one execution, which starts and ends once.
    assert list(executions) == ran, told
    for events in executions.values():
        assert [type(event) for event in (events[0], events[-1])] == [Started, Stopped], told
        assert len(events) == 3, told
    # Whether it was put back: another one ran, or none did.
    assert [getattr(outcome, "will_retry", False) for outcome in outcomes[:-1]] == [True] * (len(ran) - 1), told
    assert not getattr(outcomes[-1], "will_retry", False), told
    # What RQ has kept of each. It knows nothing of one that was put back by hand.
    by_hand = [bool(connection.sismember("by hand", execution_id)) for execution_id in executions]
    for execution_id, outcome, back in zip(executions, outcomes, by_hand, strict=True):
        kept = results.get(execution_id, "none")
        expected = RESULTS["failure, final" if back else kind_of(outcome)]
        assert kept in expected or job.options.get("result_ttl") == 0, f"{told}\n{execution_id}: {kept}"
    # What has become of the job.
    last = kind_of(outcomes[-1])
    if status is None:
        assert job.options.get("result_ttl") == 0, told
        assert last in ("success", "given up"), told
    else:
        assert status == (JobStatus.FAILED if last == "failure, final" else JobStatus.FINISHED).value, told
    # Which of how many it was: retries after errors are bounded, those that it asks for itself add to them.
    asked, attempt = 0, 1
    for events, back in zip(executions.values(), by_hand, strict=True):
        assert events[0].job.attempt == attempt, told
        assert events[0].job.max_attempts == 1 + job.retries + asked, told
        asked += kind_of(events[-2]) == "asked for another try"
        attempt += not back


def is_left_alone(connection: Redis, job_id: str) -> bool:
    """Nothing of it is in a queue, a schedule, or under way."""
    waits = connection.lpos("rq:queue:desk", job_id) is not None or connection.zscore("rq:scheduled:desk", job_id)
    return not waits and not any(
        entry.startswith(f"{job_id}:".encode()) for entry in connection.zrange("rq:wip:desk", 0, -1)
    )
