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


class Attempt(NamedTuple):
    """What the log says of one: its execution, Celery's own number of it, and what was stored and sent while it ran."""

    execution: str
    retries: int
    stored: list[str]
    sent: list[str]


def attempts_of(lines: list[list[Any]]) -> list[Attempt]:
    attempts: list[Attempt] = []
    for kind, *words in lines:
        if kind == "ran":
            attempts.append(Attempt(words[0], words[1], [], []))
        elif kind == "stored" and words[0] != "STARTED":  # stored before it has started
            attempts[-1].stored.append(words[0])
        elif kind == "sent":
            attempts[-1].sent.append(words[0])
    return attempts


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
    outcomes = [events[1] for events in executions.values()]
    for number in range(1, len(attempts)):
        if job.eager and end_of(job, number) == "is replaced":
            # What takes its place runs within it: what is stored after that, and before the next, is its own.
            attempts[number - 1].stored.extend(attempts[number].stored)
            attempts[number].stored.clear()
    for number, (attempt, outcome) in enumerate(zip(attempts, outcomes, strict=True), 1):
        check_state(job, number, attempt, outcome, told)
        # Whether a time limit came before the message was sent, or while it was, can't be told: then it is unknown.
        unknown = end_of(job, number) == "is overdue" and number in job.unsent
        if not isinstance(outcome, Success) and not (unknown and outcome.will_retry is None):
            assert outcome.will_retry is comes_again(job, number, attempts), f"{told}\n{attempt}"
    # What was stored last is what is found there.
    found = [each for kind, *words in lines if kind == "stored" for each in words]
    assert state == (found[-1] if found else ""), told
    # Which of how many it was.
    for attempt, (started, *_) in zip(attempts, executions.values(), strict=True):
        assert started.job.attempt == attempt.retries + 1, told
        most = started.job.max_attempts
        assert most is None or started.job.attempt <= most, told
        if started.job.name == task.name and not limited(job):
            assert most == (None if task.max_retries is None else task.max_retries + 1), told
    # What the caller of an eager job gets.
    for kind, *words in lines:
        if kind == "eager" and job.follower is None and "passes on another's Retry" not in job.ends[: len(attempts)]:
            check_caller(*callers_own(job, outcomes), words[0], told)


def callers_own(job: Drawn, outcomes: list[Any]) -> tuple[Any, str]:
    """The outcome that the caller of an eager job sees, and how it came to it: what takes a job's place runs within it."""
    for number, outcome in enumerate(outcomes, 1):
        if end_of(job, number) == "is replaced" and not (isinstance(outcome, Failure) and outcome.will_retry):
            return outcome, "is replaced"
    return outcomes[-1], end_of(job, len(outcomes))


def comes_again(job: Drawn, number: int, attempts: list[Attempt]) -> bool:
    """Whether another attempt follows this one: by a message, by its own that was put back, or within its caller.

    What takes a job's place has its id, and is another job.
    """
    attempt, later = attempts[number - 1], attempts[number:]
    if job.eager:
        return any(each.retries > attempt.retries for each in later)
    if attempt.sent:
        return TASKS[job.task].name in attempt.sent
    return bool(later) and end_of(job, number) != "is replaced"


def limited(job: Drawn) -> bool:
    """Whether how often it is tried is not what its task's ``max_retries`` says."""
    return "retries with a limit of its own" in job.ends or hasattr(TASKS[job.task], "retry_kwargs")


def check_caller(outcome: Any, end: str, got: str, told: str) -> None:
    """What the caller of an eager job gets is what became of it; a Retry that nobody sent, Celery takes for one that was."""
    if got.startswith("raised"):
        assert isinstance(outcome, Failure), f"{told}\n{got}"
    elif isinstance(outcome, Failure) and "Retry" in end:
        assert got in ("FAILURE", "RETRY"), f"{told}\n{got}"
    elif isinstance(outcome, Aborted):
        assert got in ("IGNORED", "REJECTED", "RETRY"), f"{told}\n{got}"
    else:
        assert got == ("SUCCESS" if isinstance(outcome, Success) else "FAILURE"), f"{told}\n{got}"


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


def check_state(job: Drawn, number: int, attempt: Attempt, outcome: Any, told: str) -> None:
    """What Celery has stored of an attempt, or nothing where it was told to, or could not."""
    told = f"{told}\n{attempt} {summary(outcome)}"
    silent = job.eager or job.options.get("ignore_result") or TASKS[job.task].ignore_result or number in job.unstored
    last = attempt.stored[-1] if attempt.stored else ""
    if isinstance(outcome, Success):
        expected = {"SUCCESS"}
    elif isinstance(outcome, Failure):
        # What Celery knows of is stored; a Retry that nobody sent, it takes for one that was. In its caller's process, what
        # ``on_retry`` raises ends a job that is stored as one to be retried.
        unsent = "Retry" in end_of(job, number) or (job.eager and job.hooks.get(number) == "on_retry")
        expected = {"FAILURE", "RETRY"} if outcome.will_retry or unsent else {"FAILURE"}
    else:
        assert isinstance(outcome, Aborted)
        expected = {"retry_requested": {"RETRY"}, "rejected": {"FAILURE"}}.get(outcome.reason, {""})
    assert last in expected or (silent and not last), told


def end_of(job: Drawn, number: int) -> str:
    return job.ends[min(number, len(job.ends)) - 1]
