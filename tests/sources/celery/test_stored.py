"""On real workers: an outcome is what Celery has stored and sent, not which signal has fired."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from celery_stored_app import CASES, COUNTS_FAILED_HOOKS, ENDS_THE_WORKER, LATER, Source
from conftest import MakeBench, NewQueue
from redis import Redis
from scenarios import FAILED
from workers import Bench

from jobreporter.events import Failure, Success


@pytest.fixture(scope="module", params=["prefork", "threads", "solo"])
def worked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, new_queue: NewQueue
) -> Iterator[Bench]:
    """The bench of a worker that has done all the cases: one run for all the tests that look at it."""
    source, folder = Source(), tmp_path_factory.mktemp("stored")
    bench = Bench(source, request.param, folder, new_queue(source, folder))
    bench.send(*CASES)
    bench.start()  # one job at a time: of two attempts at once, the first may store its end last
    try:
        bench.wait_for_stops({name: len(case.executions) for name, case in CASES.items()})
        bench.stop()
        yield bench
    finally:
        bench.kill()


@pytest.mark.parametrize("name", CASES)
def test_what_is_reported_is_what_celery_has_stored_and_sent(worked: Bench, name: str) -> None:
    """How it ended, whether it comes again, for which error, and which of how many attempts it was."""
    case = CASES[name]
    events = worked.events(name)
    outcome = events[-2]
    attempts = {event.job.execution_id: (event.job.attempt, event.job.max_attempts) for event in events}

    assert worked.executions(name) == list(case.executions), worked.what_the_worker_said()
    assert tuple(attempts.values()) == case.attempts
    assert state(worked, name) == case.state
    if case.error:
        assert f"{outcome.error.type}: {outcome.error.message}" == case.error
    if not isinstance(outcome, Success):
        assert outcome.will_retry is (name in waiting(worked))


def test_an_unknown_task_shows_no_secret(worked: Bench) -> None:
    """Its arguments are those of the message, redacted as ever, though no function names them."""
    job = worked.events("an unknown task")[0].job

    assert (job.name, job.args, job.kwargs) == ("nobody.knows", ("acme",), {"api_key": "[redacted]"})
    assert job.queue == "celery"


def test_a_time_without_a_zone_is_in_utc(worked: Bench) -> None:
    """Whatever the app's own zone is."""
    (failure,) = (event for event in worked.events("a time without a zone") if isinstance(event, Failure))

    assert failure.retry_delay == pytest.approx(LATER, abs=5)


def test_an_unsent_retry_has_no_delay(worked: Bench) -> None:
    """Nothing comes after it."""
    delays = {
        name: [event.retry_delay for event in worked.events(name) if isinstance(event, Failure)] for name in CASES
    }

    assert {name for name, found in delays.items() if "can't be sent" in name and found != [None]} == set()


@pytest.mark.parametrize("kind", ["prefork", "solo"])
def test_a_hook_that_raises_twice_is_one_failure(kind: str, make_bench: MakeBench) -> None:
    """Celery calls ``on_failure`` again for the error of ``on_failure``, and solo ends with that.

    Celery 5.5 doesn't count this job's end where it is asked to end meanwhile, with jobreporter or without: its child
    waits for that for 30 s.
    """
    bench = make_bench(Source(), kind)
    bench.send(ENDS_THE_WORKER)
    bench.start()
    bench.wait_for_stops({ENDS_THE_WORKER: 1})
    if kind == "prefork" and not COUNTS_FAILED_HOOKS:
        bench.kill()
    elif kind == "prefork":
        bench.stop()
    else:
        assert bench.wait() != 0
    failure = bench.events(ENDS_THE_WORKER)[1]

    assert bench.executions(ENDS_THE_WORKER) == [FAILED]
    assert (failure.error.type, failure.error.message) == ("builtins.LookupError", "on_failure")
    assert failure.error.context.type == "celery_stored_app.BusyError"


def redis(bench: Bench) -> Any:
    return Redis.from_url(bench.queue)


def state(bench: Bench, name: str) -> str:
    """What Celery has stored last of the job."""
    stored = redis(bench).get(f"celery-task-meta-{name}")
    return json.loads(stored)["status"] if stored else ""


def waiting(bench: Bench) -> set[str]:
    """The ids of messages that are still in the queue, now that the worker is gone."""
    return {json.loads(message)["headers"]["id"] for message in redis(bench).lrange("celery", 0, -1)}
