"""Whether and when another attempt follows: what Huey did, and not what it was asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from huey import MemoryHuey, RetryTask
from huey.signals import SIGNAL_ERROR
from huey_bench import Bench, bench_of
from scenarios import FAILED, FAILED_AT_FIRST, SUCCEEDED, ran

from jobreporter.events import Aborted, Failure

IN_TWO_HOURS: dict[str, Callable[[], datetime]] = {
    "of UTC": lambda: datetime.now(UTC) + timedelta(hours=2),
    "of another zone": lambda: datetime.now(timezone(timedelta(hours=-5))) + timedelta(hours=2),
    "without a zone": lambda: datetime.now() + timedelta(hours=2),  # noqa: DTZ005 - Huey takes it for local time
}


def seconds_until_due(huey: Any) -> float:
    """What is in Huey's own schedule."""
    (task,) = huey.scheduled()
    now = datetime.now(UTC) if huey.utc else datetime.now().astimezone()
    return float((task.eta - now.replace(tzinfo=None)).total_seconds())


@pytest.mark.parametrize("utc", [True, False])
@pytest.mark.parametrize("moment", IN_TWO_HOURS)
def test_a_retry_at_a_moment_tells_how_long_that_is(utc: bool, moment: str) -> None:
    """Whatever zone the job has used: until the time that Huey has put into its schedule."""
    with bench_of(MemoryHuey("desk", utc=utc)) as bench:

        @bench.huey.task()
        def fail() -> None:
            raise RetryTask(eta=IN_TWO_HOURS[moment]()) from OSError("busy")

        fail()
        bench.work()

        assert bench.only(Failure).retry_delay == pytest.approx(7200, abs=5)
        assert bench.only(Failure).retry_delay == pytest.approx(seconds_until_due(bench.huey), abs=5)


def test_a_moment_that_has_passed_is_no_delay(bench: Bench) -> None:
    """Huey runs it at once."""
    moments = iter([datetime.now(UTC) - timedelta(hours=1)])

    @bench.huey.task()
    def fail_once() -> None:
        for moment in moments:
            raise RetryTask(eta=moment) from OSError("busy")

    fail_once()
    bench.work()

    assert bench.story == [*FAILED_AT_FIRST, *SUCCEEDED]
    assert bench.only(Failure).retry_delay == 0


@pytest.mark.parametrize(
    ("error", "options", "delay"),
    [
        (RetryTask(), {"retry_delay": 60}, 60),
        (RetryTask(), {"retry_delay": 60, "retry_backoff": 3}, 60),
        (RetryTask(delay=0), {"retry_delay": 60}, 0),
        (RetryTask(), {}, 0),
        (RuntimeError(), {"retries": 1, "retry_delay": 1.5}, 1.5),
        (RuntimeError(), {"retries": 1}, 0),
    ],
    ids=repr,
)
def test_a_retry_without_a_moment_has_the_tasks_own_delay(
    bench: Bench, error: Exception, options: dict[str, Any], delay: float
) -> None:
    """Also where the job asked for it; what it asked for itself counts before that."""

    @bench.huey.task(**options)
    def fail() -> None:
        raise error from OSError("busy")

    bench.huey.execute(fail.s())

    assert bench.only(Failure).will_retry is True
    assert bench.only(Failure).retry_delay == delay
    assert bench.huey.scheduled_count() == (not (delay == 0 and getattr(error, "delay", None) is None))


@pytest.mark.parametrize(("delay", "method"), [(0, "enqueue"), (60, "add_to_schedule")])
def test_a_retry_that_cannot_be_put_back_is_none(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, delay: int, method: str
) -> None:
    """If the storage fails there, the job is lost: its own error is the one to know, and final."""

    @bench.huey.task(retries=3, retry_delay=delay)
    def fail() -> None:
        raise RuntimeError("the job's")

    def refuse(*_args: object) -> None:
        raise OSError("the storage's")

    task = fail.s()
    monkeypatch.setattr(bench.huey.storage, method, refuse)
    with pytest.raises(OSError, match="the storage's"):
        bench.huey.execute(task)

    assert bench.story == list(FAILED)
    assert bench.only(Failure).error.message == "the job's"


@pytest.mark.parametrize(
    "wrong", [{"eta": datetime(2030, 1, 2, tzinfo=UTC), "delay": 5}, {"eta": "noon"}, {"delay": "soon"}], ids=repr
)
def test_a_retry_that_huey_cannot_make_sense_of_is_none(bench: Bench, wrong: dict[str, Any]) -> None:
    """Huey raises an error of its own, and forgets the job."""

    @bench.huey.task(retries=3)
    def ask() -> None:
        raise RetryTask(**wrong) from OSError("busy")

    ask()
    with pytest.raises((ValueError, TypeError)):
        bench.work()

    assert bench.story == list(FAILED)
    assert bench.only(Failure).error.message == "busy"


def test_asking_for_a_retry_that_cannot_be_is_a_failure(bench: Bench) -> None:
    """No error was there before it, so the request itself is what failed."""

    @bench.huey.task()
    def ask() -> None:
        raise RetryTask(eta="noon")

    ask()
    with pytest.raises(ValueError, match="eta must be a datetime"):
        bench.work()

    assert bench.story == list(FAILED)
    assert bench.only(Failure).error.matches(RetryTask)


def test_a_job_that_the_application_puts_back_will_be_tried_again(bench: Bench) -> None:
    """Without retries of its own, by a receiver of Huey's signal, say."""
    errors: list[BaseException] = []

    @bench.huey.signal(SIGNAL_ERROR)
    def once_more(signal: str, task: Any, error: BaseException) -> None:
        errors.append(error)
        if len(errors) == 1:
            bench.huey.enqueue(task)

    @bench.huey.task()
    def fail() -> None:
        raise RuntimeError

    fail()
    bench.work()

    assert bench.story == [*FAILED_AT_FIRST, *FAILED]


def test_a_hook_that_takes_the_retries_away_too_late_changes_nothing(bench: Bench) -> None:
    """Huey has decided by then, and puts the job back."""

    @bench.huey.task(retries=1)
    def fail() -> None:
        raise RuntimeError

    @bench.huey.task()
    def lament(error: BaseException) -> None: ...

    def give_up(task: Any, value: object, error: BaseException | None) -> None:
        task.retries = 0

    bench.huey.post_execute()(give_up)
    bench.huey._post_execute = dict(reversed(bench.huey._post_execute.items()))  # it comes before ours
    bench.huey.execute(fail.s())

    assert bench.story == list(FAILED_AT_FIRST)
    assert bench.huey.pending_count() == 1


def test_what_follows_a_job_may_fail_without_touching_its_outcome(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its result is stored by then; the next step of its pipeline is lost, which is no failure of this one."""

    @bench.huey.task()
    def step(number: int) -> int:
        return number + 1

    task = step.s(1).then(step)

    def refuse(*_args: object) -> None:
        raise OSError("the storage's")

    monkeypatch.setattr(bench.huey.storage, "enqueue", refuse)
    with pytest.raises(OSError, match="the storage's"):
        bench.huey.execute(task)

    assert bench.story == list(SUCCEEDED)
    assert bench.huey.result(task.id) == 2


def test_in_immediate_mode_a_moment_is_told_too(immediate: Bench) -> None:
    """The job waits in the schedule there as well."""

    @immediate.huey.task()
    def fail() -> None:
        raise RetryTask(eta=datetime.now(UTC) + timedelta(hours=2)) from OSError("busy")

    fail()

    assert immediate.story == list(FAILED_AT_FIRST)
    assert immediate.only(Failure).retry_delay == pytest.approx(7200, abs=5)


def test_a_retry_that_was_asked_for_without_an_error_is_no_failure(bench: Bench) -> None:
    """With a moment, too; it is an abort, which carries no delay."""

    @bench.huey.task()
    def ask() -> None:
        raise RetryTask(eta=datetime.now(UTC) + timedelta(hours=2))

    ask()
    bench.work()

    assert bench.story == list(ran("aborted retry_requested will retry"))
    assert bench.only(Aborted).will_retry is True
