"""Executions: what programs and sources call, and what reporters then see."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Iterator

import pytest

from jobreporter import Abort, Aborted, Dispatcher, Event, Execution, Failure, Started, Stopped, Success
from jobreporter.testing import Recorder, SteppedClock, make_error


class Reported:
    """A dispatcher with a recorder, closed before it is asked for what arrived."""

    def __init__(self) -> None:
        self.recorder = Recorder()
        self.dispatcher = Dispatcher({"recorder": self.recorder})

    def events(self) -> list[Event]:
        assert self.dispatcher.close(10)
        return self.recorder.events

    def outcome(self) -> Event:
        """The outcome of the one execution that there was."""
        _, outcome, stopped = self.events()
        assert isinstance(stopped, Stopped)
        assert type(outcome).__name__.lower() == stopped.outcome
        return outcome


@pytest.fixture
def reported() -> Iterator[Reported]:
    reported = Reported()
    yield reported
    reported.dispatcher.close(10)


def test_a_block_that_ends_is_a_success(reported: Reported) -> None:
    """An execution starts, succeeds and stops, in this order."""
    with reported.dispatcher.begin("reports.nightly", queue="cron", args=(2026,)):
        pass
    started, success, stopped = reported.events()
    assert isinstance(started, Started)
    assert isinstance(success, Success)
    assert isinstance(stopped, Stopped)
    assert stopped.outcome == "success"
    assert started.job is success.job is stopped.job
    assert (started.job.name, started.job.queue, started.job.args) == ("reports.nightly", "cron", (2026,))


def test_a_job_gets_what_was_not_said_of_it(reported: Reported) -> None:
    """Without fields, a job has ids, a source, a worker and a first attempt."""
    first = reported.dispatcher.begin("a").job
    second = reported.dispatcher.begin("a").job
    assert first.id != second.id
    assert first.execution_id != second.execution_id
    assert (first.source, first.attempt) == ("python", 1)
    assert first.worker is not None
    assert first.worker.rpartition(":")[2].isdigit()


def test_attempts_of_one_job_are_different_executions(reported: Reported) -> None:
    """A derived ``execution_id`` tells the attempts of a job apart, and is the same on both sides of a fork."""
    ids = {reported.dispatcher.begin("a", id="7", attempt=attempt).job.execution_id for attempt in (1, 2, 2)}
    assert len(ids) == 2


def test_an_unknown_field_is_refused(reported: Reported) -> None:
    """A misspelt job field raises at once, and names the right one."""
    with pytest.raises(TypeError, match=r"no field 'atempt'\. Did you mean 'attempt'\?"):
        reported.dispatcher.begin("a", atempt=2)
    with pytest.raises(TypeError, match=r"no field 'xyz'\. It has id, execution_id, name"):
        reported.dispatcher.begin("a", xyz=2)


def test_an_exception_is_a_failure_and_propagates(reported: Reported) -> None:
    """The job's exception reaches the caller, and reporters get it as data."""
    with pytest.raises(ZeroDivisionError), reported.dispatcher.begin("a"):
        _ = 1 / 0
    outcome = reported.outcome()
    assert isinstance(outcome, Failure)
    assert outcome.error.type == "builtins.ZeroDivisionError"
    assert outcome.error.frames[-1].function.endswith("test_an_exception_is_a_failure_and_propagates")
    assert outcome.final


def test_an_abort_does_not_propagate(reported: Reported) -> None:
    """`Abort` ends the block on purpose, with the job's own reason."""
    with reported.dispatcher.begin("a"):
        raise Abort("nothing to do", will_retry=True)
    outcome = reported.outcome()
    assert isinstance(outcome, Aborted)
    assert (outcome.reason, outcome.will_retry) == ("nothing to do", True)


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (asyncio.CancelledError, "cancelled"),
        (concurrent.futures.CancelledError, "cancelled"),
        (KeyboardInterrupt, "shutdown"),
        (lambda: SystemExit(3), "shutdown"),
        (lambda: SystemExit("why"), "shutdown"),
    ],
)
def test_an_interruption_is_an_abort_and_propagates(
    reported: Reported, raised: Callable[[], BaseException], reason: str
) -> None:
    """Being cancelled or shut down is not the job's failure."""
    error = raised()
    with pytest.raises(type(error)) as caught, reported.dispatcher.begin("a"):
        raise error
    assert caught.value is error
    outcome = reported.outcome()
    assert isinstance(outcome, Aborted)
    assert outcome.reason == reason


@pytest.mark.parametrize("code", [0, None])
def test_a_clean_exit_is_a_success(reported: Reported, code: int | None) -> None:
    """``SystemExit`` with 0 or without a code ends the job well, and propagates."""
    with pytest.raises(SystemExit), reported.dispatcher.begin("a"):
        raise SystemExit(code)
    assert isinstance(reported.outcome(), Success)


def test_the_last_note_wins(reported: Reported) -> None:
    """Each note replaces the one before."""
    execution = reported.dispatcher.begin("a")
    execution.fail(ValueError("x"))
    execution.succeed()
    execution.abort("skipped")
    execution.stop()
    assert isinstance(reported.outcome(), Aborted)


def test_a_note_overrules_a_block_that_ends_well(reported: Reported) -> None:
    """A job that notes a failure and returns has failed."""
    with reported.dispatcher.begin("a") as execution:
        execution.fail(make_error(), will_retry=True, retry_delay=5.0, kind="timeout")
    outcome = reported.outcome()
    assert isinstance(outcome, Failure)
    assert outcome.error == make_error()
    assert (outcome.will_retry, outcome.retry_delay, outcome.kind, outcome.final) == (True, 5.0, "timeout", False)


def test_without_a_note_the_outcome_is_unknown(reported: Reported) -> None:
    """Stopping without having noted an outcome is ``aborted(unknown)``."""
    reported.dispatcher.begin("a").stop()
    outcome = reported.outcome()
    assert isinstance(outcome, Aborted)
    assert outcome.reason == "unknown"


def test_stopping_twice_is_stopping_once(reported: Reported) -> None:
    """An execution ends once; to stop it again does nothing."""
    with reported.dispatcher.begin("a") as execution:
        execution.succeed()
        execution.stop()
        execution.fail(ValueError("too late"))
    assert isinstance(reported.outcome(), Success)
    assert reported.dispatcher.stats()["recorder"].accepted == 3


def test_an_interrupted_stop_that_is_repeated_ends_the_execution_once(reported: Reported) -> None:
    """Where an interruption hid that the ending was published, the repeat is dropped and counted."""
    execution = reported.dispatcher.begin("a")
    execution.succeed()
    execution.stop()
    execution._stopped = False  # as if what interrupts the thread had landed right after the append
    execution.abort("cancelled")
    execution.stop()
    assert isinstance(reported.outcome(), Success)
    stats = reported.dispatcher.stats()["recorder"]
    assert (stats.accepted, stats.handled, stats.dropped) == (5, 3, {"repeated": 2})


def test_a_job_that_never_began_has_no_start(reported: Reported) -> None:
    """`Dispatcher.abort` publishes the outcome and ``Stopped`` only, without durations."""
    reported.dispatcher.abort("expired", "a", id="9", will_retry=False)
    aborted, stopped = reported.events()
    assert isinstance(aborted, Aborted)
    assert isinstance(stopped, Stopped)
    assert (aborted.reason, aborted.will_retry, aborted.duration, stopped.duration) == ("expired", False, None, None)


def test_an_execution_that_began_elsewhere_is_ended_here(reported: Reported) -> None:
    """`Dispatcher.resume` publishes no ``Started``."""
    execution = reported.dispatcher.resume("a", execution_id="7:1")
    execution.fail(make_error(), kind="worker_lost")
    execution.stop()
    failure, stopped = reported.events()
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.duration, stopped.job.execution_id) == ("worker_lost", None, "7:1")


def test_tags_reach_the_outcome_as_text(reported: Reported) -> None:
    """A job tags its outcome from anywhere inside it."""
    with reported.dispatcher.begin("a") as execution:
        current = Execution.current()
        assert current is execution
        current.tag(customer="acme", rows=3)
    execution.tag(late="ignored")
    outcome = reported.outcome()
    assert isinstance(outcome, Success)
    assert outcome.tags == {"customer": "acme", "rows": "3"}


def test_the_current_execution_is_the_innermost(reported: Reported) -> None:
    """Nested executions shadow each other; outside there is none, nor in another thread."""
    assert Execution.current() is None
    elsewhere: list[Execution | None] = []
    with reported.dispatcher.begin("outer") as outer:
        with reported.dispatcher.begin("inner") as inner:
            assert Execution.current() is inner
        assert Execution.current() is outer
        thread = threading.Thread(target=lambda: elsewhere.append(Execution.current()))
        thread.start()
        thread.join()
    assert Execution.current() is None
    assert elsewhere == [None]


def test_an_execution_may_stop_in_another_thread(reported: Reported) -> None:
    """Some sources learn of the end elsewhere; that is no error."""
    execution = reported.dispatcher.begin("a").enter()
    execution.succeed()
    thread = threading.Thread(target=execution.stop)
    thread.start()
    thread.join()
    assert Execution.current() is None
    assert isinstance(reported.outcome(), Success)


def test_durations_and_waits_are_measured() -> None:
    """The duration is monotonic time from start to stop; the wait counts from the later of enqueued and scheduled."""
    recorder, clock = Recorder(), SteppedClock(5_000)
    dispatcher = Dispatcher({"recorder": recorder}, clock=clock)
    execution = dispatcher.resume("a", enqueued_at=4_000.0, scheduled_at=4_990.0)
    execution.start()
    clock.advance(7.5)
    execution.succeed()
    execution.stop()
    dispatcher.close(10)
    success, stopped = recorder.events[-2:]
    assert isinstance(success, Success)
    assert isinstance(stopped, Stopped)
    assert (success.duration, success.queue_wait, stopped.duration) == (7.5, 10.0, 7.5)
    assert success.at == 5_007.5


def test_a_wait_is_never_negative(reported: Reported) -> None:
    """Clocks of two machines may differ; what is enqueued in the future has waited for no time."""
    with reported.dispatcher.begin("a", enqueued_at=9e12):
        pass
    outcome = reported.outcome()
    assert isinstance(outcome, Success)
    assert outcome.queue_wait == 0.0


def test_a_reported_function(reported: Reported) -> None:
    """Each call of a reported function is an execution, named after it, with its arguments."""

    @reported.dispatcher.reported(queue="cron")
    def add(a: int, b: int) -> int:
        """Adds."""
        return a + b

    assert add(1, b=2) == 3
    assert add.__doc__ == "Adds."
    outcome = reported.outcome()
    assert outcome.job.name == f"{__name__}.test_a_reported_function.<locals>.add"
    assert (outcome.job.queue, outcome.job.args, outcome.job.kwargs) == ("cron", (1,), {"b": 2})


def test_a_reported_function_without_arguments_for_the_decorator(reported: Reported) -> None:
    """The decorator works bare, and an abort makes the call return nothing."""

    @reported.dispatcher.reported
    def give_up() -> None:
        raise Abort("skipped")

    assert give_up() is None
    assert isinstance(reported.outcome(), Aborted)


def test_a_reported_coroutine_function(reported: Reported) -> None:
    """An async function stays one, and its execution spans what it awaits."""

    @reported.dispatcher.reported(name="jobs.wait")
    async def wait() -> Execution | None:
        await asyncio.sleep(0)
        return Execution.current()

    assert asyncio.run(wait()) is not None
    assert reported.outcome().job.name == "jobs.wait"


def test_a_cancelled_coroutine_is_aborted(reported: Reported) -> None:
    """A cancelled async job is ``aborted(cancelled)``, and its cancellation propagates."""

    @reported.dispatcher.reported
    async def wait() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    outcome = reported.outcome()
    assert isinstance(outcome, Aborted)
    assert outcome.reason == "cancelled"


def test_secrets_among_positional_arguments_are_found(reported: Reported) -> None:
    """The function's signature names positional arguments, so that redaction works for them too."""

    @reported.dispatcher.reported
    def log_in(user: str, password: str) -> None:
        raise ValueError(f"{user} can't log in with {password}")

    with pytest.raises(ValueError, match="hunter22"):
        log_in("ann", "hunter22")
    outcome = reported.outcome()
    assert isinstance(outcome, Failure)
    assert outcome.job.args == ("ann", "[redacted]")
    assert "hunter22" not in str(outcome)
