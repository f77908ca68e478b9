"""What has become of a job, by what RQ makes of how it ended: attempts, failures and giving up."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest
import rq
from rq import Callback, Repeat, Retry
from rq.exceptions import ShutDownImminentException
from rq.job import JobStatus
from rq.timeouts import JobTimeoutException
from rq_bench import (
    Bench,
    fail,
    refuse,
    succeeded,
)
from scenarios import FAILED, FAILED_AT_FIRST, SUCCEEDED, ran

from jobreporter import Abort, Execution
from jobreporter.events import Failure, Started


def test_attempts_count_up_to_the_maximum(bench: Bench) -> None:
    """RQ counts retries down and forgets the maximum; the delay of each, and when it is due, are told."""
    bench.enqueue(fail(RuntimeError()), retry=Retry(max=3, interval=[10, 20, 0]), meta={"own": 1})
    start = time.time()
    bench.work()
    jobs = [event.job for event in bench.all(Started)]
    failures = bench.all(Failure)

    assert [(job.attempt, job.max_attempts) for job in jobs] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [event.will_retry for event in failures] == [True, True, True, False]
    assert [event.retry_delay for event in failures] == [10, 20, 0, None]
    assert len({job.execution_id for job in jobs}) == 4
    due = [job.scheduled_at and job.scheduled_at - start for job in jobs]
    assert due == [None, pytest.approx(10, abs=5), pytest.approx(20, abs=5), None]


def test_a_retry_that_the_job_asks_for_is_an_attempt_too(bench: Bench) -> None:
    """They add up with those after errors."""
    answers = iter([Retry(max=2, interval=60), RuntimeError(), Retry(max=2), None])

    def work() -> Retry | None:
        answer = next(answers)
        if isinstance(answer, RuntimeError):
            raise answer
        return answer

    bench.enqueue(work, retry=Retry(max=1))
    bench.work()
    jobs = [event.job for event in bench.all(Started)]

    asked = ran("aborted retry_requested will retry")
    assert bench.story == [*asked, *FAILED_AT_FIRST, *asked, *SUCCEEDED]
    assert [(job.attempt, job.max_attempts) for job in jobs] == [(1, 2), (2, 3), (3, 3), (4, 4)]
    assert [job.scheduled_at is not None for job in jobs] == [False, True, False, False]


def test_a_retry_beyond_its_own_maximum_is_a_failure(bench: Bench) -> None:
    """No exception was raised, so the error is a sentence."""
    bench.enqueue(lambda: Retry(max=1))
    bench.work()

    assert bench.story == [*ran("aborted retry_requested will retry"), *FAILED]
    assert bench.only(Failure).error.message == "the job asked for another try, and Retry(max=1) allows no more"


def test_a_repeated_job_is_one_execution_each_time(bench: Bench) -> None:
    """With the time at which it was due, and the line that it belongs to."""
    bench.enqueue(str, repeat=Repeat(times=2, interval=60), meta={"jobreporter": {"correlation_id": "req-1"}})
    bench.work()
    jobs = [event.job for event in bench.all(Started)]

    assert bench.story == [*SUCCEEDED, *SUCCEEDED, *SUCCEEDED]
    assert [job.scheduled_at is not None for job in jobs] == [False, True, True]
    assert {job.correlation_id for job in jobs} == {"req-1"}


def test_a_repetition_is_no_retry(bench: Bench) -> None:
    """Its attempts begin with one again, where RQ goes on counting: what it has left of either kind of retries it has left."""

    def work() -> Retry | None:
        match bench.connection.incr("worked"):
            case 1:
                raise RuntimeError
            case 2 | 5:
                return Retry(max=3)
        return None

    bench.enqueue(work, retry=Retry(max=2), repeat=Repeat(times=2, interval=60))
    bench.work()

    attempts = [(event.job.attempt, event.job.max_attempts) for event in bench.all(Started)]
    assert attempts == [(1, 3), (2, 3), (3, 4), (1, 2), (1, 2), (2, 3)]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (JobTimeoutException("too long"), "failure timeout final"),
        (SystemExit(0), "failure exception final"),
        (SystemExit(3), "failure exception final"),
        (KeyboardInterrupt(), "failure exception final"),
        (asyncio.CancelledError(), "failure exception final"),
        (ShutDownImminentException("soon", {}), "aborted shutdown"),
    ],
    ids=repr,
)
def test_what_rq_takes_for_a_failure_is_one(bench: Bench, error: BaseException, outcome: str) -> None:
    """Whatever a job raises RQ marks as failed, an exit with status 0 too; a Heroku worker's last warning is no error."""
    job = bench.enqueue(fail(error))
    bench.work()

    assert bench.story == list(ran(outcome))
    assert job.get_status() == JobStatus.FAILED


def test_rqs_own_callbacks_are_untouched(bench: Bench) -> None:
    """They run as without us; one that raises fails a job that was successful, and RQ keeps the callback's error."""
    bench.enqueue(str, on_success=Callback(succeeded))
    bench.enqueue(str, on_success=Callback(refuse))
    bench.work()

    assert bench.story == [*SUCCEEDED, *FAILED]
    assert bench.only(Failure).error.message == "the callback's own"


def test_a_failure_that_cannot_be_saved(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """RQ gives up, with the error of its database; the job's own is the one to know, and what follows is unknown."""

    def lose_redis(*_args: object, **_kwargs: object) -> None:
        raise OSError("the database's")

    bench.enqueue(fail(RuntimeError("the job's")), retry=Retry(max=1))
    monkeypatch.setattr(rq.SimpleWorker, "handle_job_failure", lose_redis)
    with pytest.raises(OSError, match="the database's"):
        bench.work()

    assert bench.only(Failure).error.message == "the job's"
    assert bench.only(Failure).will_retry is None


def test_a_success_that_cannot_be_saved_is_a_failure(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """RQ marks the job as failed, with the error that kept it from saving."""
    monkeypatch.setattr(rq.SimpleWorker, "handle_job_success", refuse)
    bench.enqueue(str)
    bench.work()

    assert bench.story == list(FAILED)
    assert bench.only(Failure).error.message == "the callback's own"


def test_a_success_that_cannot_be_logged_is_one(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A job may close the streams that RQ logs to. The result is saved by then, and RQ leaves it at that."""
    log = logging.getLogger("rq.worker")

    class Closed(logging.Handler):
        def emit(self, _record: object) -> None:
            raise ValueError("I/O operation on closed file")

    closed = Closed()
    job = bench.enqueue(lambda: log.addHandler(closed))
    try:
        with caplog.at_level(logging.INFO, log.name), pytest.raises(ValueError, match="closed file"):
            bench.work()
    finally:
        log.removeHandler(closed)

    assert bench.story == list(SUCCEEDED)
    assert job.get_status() == JobStatus.FINISHED


def test_a_job_that_was_to_be_stopped_is_not_tried_again(bench: Bench) -> None:
    """A simple worker can't stop a job. If that fails afterwards, RQ leaves it at that."""

    def work() -> None:
        bench.worker._stopped_job_id = Execution.current().job.id  # type: ignore[union-attr] - it has one
        raise RuntimeError

    bench.enqueue(work, retry=Retry(max=3))
    bench.work()

    assert bench.story == list(FAILED)


def test_an_abort_finishes_the_job(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """As if it had returned: no error is logged, nothing is tried again, and what depends on it runs."""
    job = bench.enqueue(fail(Abort("no_stock")), retry=Retry(max=3))
    bench.enqueue(str, depends_on=job)
    with caplog.at_level(logging.ERROR):
        bench.work()

    assert bench.story == [*ran("aborted no_stock"), *SUCCEEDED]
    assert job.get_status() == JobStatus.FINISHED
    assert job.return_value() is None
    assert not caplog.records


def test_an_abort_may_ask_for_another_try(bench: Bench) -> None:
    """At the job's own interval, and however many retries it has left."""
    answers = iter([Abort("not_yet", will_retry=True), Abort("not_yet", will_retry=True)])
    bench.enqueue(lambda: [fail(answer)() for answer in answers], retry=Retry(max=1, interval=60))
    bench.work()

    assert bench.story == [*ran("aborted not_yet will retry"), *ran("aborted not_yet will retry"), *SUCCEEDED]
    assert [event.job.scheduled_at is not None for event in bench.all(Started)] == [False, True, True]
