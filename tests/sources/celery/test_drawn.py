"""Over random jobs, on a real worker: an outcome is what Celery has stored, and another attempt follows if one was sent."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from typing import Any, NamedTuple

import pytest
from celery_drawn_app import TASKS, Drawn, Log, Source, draw
from conftest import MakeBench
from drawn import AGAIN, JOBS
from redis import Redis
from scenarios import summary
from workers import PATIENCE, Bench

from jobreporter.events import Aborted, Failure, Success

#: Seconds by which a delay may differ from what was sent: a worker may be slow.
SLACK = 300.0
#: What an eager job's caller gets for one that was given up, where it isn't that it was ignored.
GIVEN_UP = {"retry_requested": "RETRY", "rejected": "REJECTED", "requeued": "REJECTED"}


class Attempt(NamedTuple):
    """What the log says of one.

    number: which of all that ran under the job's id, from 1. task: whose it is; what takes a job's place has its id.
    retries: Celery's own number of it. stored, sent, cut: states that were stored, delays of messages for another attempt,
    and the tasks of messages that a time limit has cut off.
    """

    execution: str
    number: int
    task: str
    retries: int
    stored: list[str]
    sent: list[float]
    cut: list[str]


def attempts_of(lines: list[list[Any]]) -> list[Attempt]:
    attempts: dict[str, Attempt] = {}
    for kind, *words in lines:
        if kind == "ran":
            name, task, retries = words
            attempts[name] = Attempt(name, len(attempts) + 1, task, retries, [], [], [])
        elif kind in ("stored", "sent", "cut"):
            name, what, *more = words
            if kind == "stored" and what == "STARTED":  # stored before it has started
                continue
            # The main process stores what became of a job that its child has told it of.
            attempt = attempts[name] if name is not None else list(attempts.values())[-1]
            if kind == "stored":
                attempt.stored.append(what)
            elif kind == "cut":
                attempt.cut.append(what)
            elif what == attempt.task:
                attempt.sent.append(*more)
    return list(attempts.values())


def wait_until_quiet(bench: Bench, log: Log) -> None:
    deadline = time.monotonic() + PATIENCE + JOBS / 5
    while not log.is_closed():
        assert time.monotonic() < deadline, bench.what_the_worker_said()[-3000:]
        time.sleep(0.05)  # between two looks, not in place of one


@pytest.mark.parametrize("kind", ["prefork", "solo"])
def test_what_is_reported_is_what_celery_did(kind: str, make_bench: MakeBench) -> None:
    """How each attempt ended, whether it was sent again, and which of how many it was."""
    bench = make_bench(Source(), kind)
    bench.send(f"{JOBS} jobs")
    bench.start()  # one job at a time: of two attempts at once, the first may store its end last
    log = Log(bench.queue)
    wait_until_quiet(bench, log)
    bench.stop()
    reported: defaultdict[str, dict[str, list[Any]]] = defaultdict(dict)
    for call in bench.calls():
        if call.meta is not None:
            reported[call.meta.job.id].setdefault(call.meta.job.execution_id, []).append(call.meta)

    wrong: list[str] = []
    store: Any = Redis.from_url(bench.queue)
    for name in (f"job-{number}" for number in range(JOBS)):
        stored = store.get(f"celery-task-meta-{name}")
        try:
            check(draw(name), log.of(name), reported[name], json.loads(stored)["status"] if stored else "")
        except AssertionError as error:
            wrong.append(str(error))
    assert not wrong, f"{len(wrong)} of {JOBS}: " + "\n".join(wrong[:5])


def check(job: Drawn, lines: list[list[Any]], executions: dict[str, list[Any]], state: str) -> None:
    """What was reported of one job is what became of it."""
    attempts = attempts_of(lines)
    task = TASKS[job.task]
    told = f"{AGAIN}: {job}\n{task.name}: {options(task)}\n{state!r}\n" + "\n".join(
        [*map(str, lines), *(f"{name}: {[summary(event) for event in events]}" for name, events in executions.items())]
    )

    # Each attempt that ran is one execution, which starts and ends once.
    assert list(executions) == [attempt.execution for attempt in attempts], told
    assert all(len(events) == 3 for events in executions.values()), told
    for attempt, (started, outcome, _) in zip(attempts, executions.values(), strict=True):
        one = f"{told}\n{attempt} {summary(outcome)}"
        assert started.job.name == attempt.task, one
        check_state(job, attempt, outcome, one)
        check_next(job, attempt, attempts, outcome, one)
        # Which of how many it was.
        assert started.job.attempt == attempt.retries + 1, one
        if attempt.task == task.name:
            assert started.job.max_attempts == most_attempts(task, attempt), one
    # What was stored last is what is found there.
    found = [words[-1] for kind, *words in lines if kind == "stored"]
    assert state == (found[-1] if found else ""), told
    # What the caller of an eager job gets. With a chain it would be what the chain has come to.
    for kind, *words in lines:
        if kind == "eager" and "chain" not in (job.follower or ""):
            own = [attempt for attempt in attempts if attempt.task == task.name][-1]
            check_caller(end_of(job, own), executions[own.execution][1], words[0], told)


def check_next(job: Drawn, attempt: Attempt, attempts: list[Attempt], outcome: Any, told: str) -> None:
    """Whether another attempt follows, by a message, by its own that was put back, or within its caller; and when."""
    if isinstance(outcome, Success):
        return
    # What takes a job's place has its id, and is another job.
    attempts = [each for each in attempts if each.task == attempt.task]
    later = [each for each in attempts if each.number > attempt.number]
    if attempt.task in attempt.cut:
        # The time limit came while the message was sent. Nothing that the worker can see tells whether the broker has it.
        assert outcome.will_retry is None, told
    elif job.eager:
        assert outcome.will_retry is any(each.retries > attempt.retries for each in later), told
    else:
        # What was cut off may have been sent twice, and then runs twice without having been put back.
        ran = sum(each.retries == attempt.retries for each in attempts)
        sent = sum(len(each.sent) for each in attempts if each.retries == attempt.retries - 1)
        runs_again = any(each.retries == attempt.retries for each in later)
        was_put_back = runs_again and (ran > sent or not attempt.retries)
        assert outcome.will_retry is (bool(attempt.sent) or was_put_back), told
    if isinstance(outcome, Failure) and outcome.will_retry:
        delays = attempt.sent or [0.0]
        assert any(abs(outcome.retry_delay - each) < SLACK for each in delays), f"{told}\n{outcome.retry_delay}"
    else:
        assert getattr(outcome, "retry_delay", None) is None, told


def most_attempts(task: Any, attempt: Attempt) -> int | None:
    """How many there are at most, by the options of the task. Nobody knows where they were not all."""
    stated = getattr(task, "retry_kwargs", {}).get("max_retries", task.max_retries)
    return None if stated is None or attempt.retries > stated else stated + 1


def check_caller(end: str, outcome: Any, got: str, told: str) -> None:
    """What the caller of an eager job gets is what became of it."""
    told = f"{told}\n{got}"
    if end == "passes on another's Retry" and not raised_by_hook(outcome):
        return  # Celery tries the other job again in its place, and hands out what becomes of that
    if got.startswith("raised"):
        assert isinstance(outcome, Failure), told
    elif isinstance(outcome, Failure):
        # A Retry that nobody sent, Celery takes for one that was.
        assert got == ("RETRY" if "Retry" in end and not raised_by_hook(outcome) else "FAILURE"), told
    else:
        assert got == ("SUCCESS" if isinstance(outcome, Success) else GIVEN_UP.get(outcome.reason, "IGNORED")), told


def options(task: Any) -> dict[str, Any]:
    names = [
        "max_retries",
        "autoretry_for",
        "dont_autoretry_for",
        "retry_kwargs",
        "acks_late",
        "ignore_result",
        "throws",
    ]
    return {name: getattr(task, name) for name in names if hasattr(task, name)}


def check_state(job: Drawn, attempt: Attempt, outcome: Any, told: str) -> None:
    """What Celery has stored of an attempt, or nothing where it was told to, or could not."""
    silent = job.options.get("ignore_result") or TASKS[job.task].ignore_result or attempt.number in job.unstored
    last = attempt.stored[-1] if attempt.stored else ""
    if isinstance(outcome, Success):
        expected = {"SUCCESS"}
    elif isinstance(outcome, Failure) and outcome.will_retry:
        expected = {"FAILURE", "RETRY"}  # after a message was sent, a job may still raise something else
    elif isinstance(outcome, Failure):
        # A Retry that nobody sent, Celery takes for one that was, unless that can't be stored. In its caller's process it also does what ``on_retry``
        # raises for the end of a job that is stored as one to be retried.
        says_retry = "Retry" in end_of(job, attempt) and not (raised_by_hook(outcome) or attempt.number in job.unstored)
        expected = {"RETRY" if says_retry or (job.eager and hook_of(job, attempt) == "on_retry") else "FAILURE"}
    else:
        assert isinstance(outcome, Aborted)
        expected = {{"retry_requested": "RETRY", "rejected": "FAILURE"}.get(outcome.reason, "")}
    assert last in expected or ((silent or job.eager) and not last), told


def raised_by_hook(outcome: Any) -> bool:
    return isinstance(outcome, Failure) and outcome.error.type == "builtins.LookupError"


def hook_of(job: Drawn, attempt: Attempt) -> str | None:
    return job.hooks.get(attempt.number)


def end_of(job: Drawn, attempt: Attempt) -> str:
    """How its own code was to end; what takes a job's place just returns."""
    if attempt.task != TASKS[job.task].name:
        return "returns"
    return job.ends[min(attempt.number, len(job.ends)) - 1]
