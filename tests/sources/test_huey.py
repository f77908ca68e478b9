"""What is particular to Huey: how its facts become a job's, and the ways in which it ends an execution."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import huey_app
import pytest
from conftest import MakeBench
from huey import CancelExecution, MemoryHuey, RetryTask, crontab
from huey.exceptions import RateLimitExceeded, TaskException, TaskLockedException, TaskTimeout
from huey.signals import SIGNAL_ERROR, SIGNAL_EXECUTING
from reported import Events, Reported, bug, recording, times_logged, use_config
from scenarios import FAILED, SHUT_DOWN, SUCCEEDED, ran, summary
from workers import UNUSABLE, wait_for

from jobreporter import Abort, Dispatcher, Execution, JobReporterError
from jobreporter.events import Aborted, Failure, Started, Stopped, Success
from jobreporter.sources.huey import attach

KINDS = pytest.mark.parametrize("kind", huey_app.Source.kinds)


class Bench(Reported):
    """A Huey in memory whose jobs run when the test says so, and what was reported of them."""

    def __init__(self, huey: Any, dispatcher: Dispatcher, events: Events) -> None:
        super().__init__(events)
        self.huey = huey
        self.dispatcher = dispatcher

    def work(self) -> None:
        """Do what a worker and the scheduler do, until nothing is left that is due."""
        while True:
            for due in self.huey.read_schedule():
                self.huey.enqueue(due)
            task = self.huey.dequeue()
            if task is None:
                return
            self.huey.execute(task)


@contextmanager
def bench_of(huey: Any) -> Iterator[Bench]:
    with recording() as (dispatcher, events):
        attach(huey, dispatcher)
        yield Bench(huey, dispatcher, events)


@pytest.fixture
def bench() -> Iterator[Bench]:
    with bench_of(MemoryHuey("desk", utc=True)) as bench:
        yield bench


@pytest.fixture
def immediate() -> Iterator[Bench]:
    """A Huey that runs each job at once, in the process that enqueues it."""
    with bench_of(MemoryHuey("desk", immediate=True)) as bench:
        yield bench


# The facts of a job


def test_a_job_carries_what_huey_knows_of_it(bench: Bench) -> None:
    """Its id, its name as Huey has it, its queue, its arguments by their names, its attempt and its priority."""

    @bench.huey.task(retries=2, priority=7, name="send_mail")
    def send(address: str, subject: str) -> None: ...

    result = send("a@example.org", subject="hello")
    bench.work()
    job = bench.only(Started).job

    assert job.id == result.id
    assert job.execution_id.startswith(f"{job.id}:1:")
    assert job.name == f"{__name__}.send_mail"
    assert (job.source, job.queue, job.priority) == ("huey", "desk", 7)
    assert (job.args, job.kwargs) == (("a@example.org",), {"subject": "hello"})
    assert (job.attempt, job.max_attempts) == (1, 3)
    assert job.worker is not None
    assert job.worker.endswith(f":{os.getpid()}")
    assert (job.enqueued_at, job.scheduled_at, job.extra) == (None, None, {})
    assert (job.correlation_id, job.root_id, job.parent_id) == (None, None, None)


def test_an_id_and_a_priority_of_other_types_do_not_matter(bench: Bench) -> None:
    """Huey takes anything for both, and SQLite a priority with a fraction; a `Job` doesn't."""

    @bench.huey.task()
    def work() -> None: ...

    bench.huey.enqueue(work.s(id=7, priority=0.5))
    bench.work()
    job = bench.only(Started).job

    assert (job.id, job.priority) == ("7", None)


def test_a_positional_secret_is_redacted_by_its_name(bench: Bench) -> None:
    """The name of a positional argument is found through the function behind Huey's task, wrapped or not."""

    @bench.huey.task()
    @bench.huey.lock_task("x")
    def charge(customer: str, api_key: str) -> None: ...

    charge("acme", "canary")
    bench.work()

    assert "canary" not in repr(bench.events)
    assert bench.only(Started).job.args[0] == "acme"


def test_arguments_are_those_at_the_start(bench: Bench) -> None:
    """What a hook puts into the task's arguments later, as older Hueys do with the task itself, isn't reported."""

    @bench.huey.pre_execute()
    def inject(task: Any) -> None:
        task.kwargs["task"] = task

    @bench.huey.task()
    def work(task: Any) -> None: ...

    bench.huey.enqueue(work.s())
    bench.work()

    assert bench.story == list(SUCCEEDED)
    assert bench.only(Started).job.kwargs == {}


def test_a_job_of_a_class_of_its_own_is_reported_all_the_same(bench: Bench) -> None:
    """Where the function can't be found, the arguments have no names, and that is all."""

    @bench.huey.task()
    def plain(number: int) -> int:
        return number

    class Execute:
        def __get__(self, task: Any, _type: type) -> Callable[[], Any]:
            return lambda: plain.func(*task.args)

    plain.task_class.execute = Execute()
    plain(1)
    bench.work()

    assert bench.story == list(SUCCEEDED)


@pytest.mark.parametrize("utc", [True, False])
def test_times_are_unix_seconds(utc: bool) -> None:
    """Huey's naive times are read in the zone that this Huey keeps them in."""
    with bench_of(MemoryHuey("desk", utc=utc)) as bench:
        due, late = datetime.now(UTC) - timedelta(hours=2), datetime.now(UTC) + timedelta(hours=2)

        @bench.huey.task()
        def remind() -> None: ...

        remind.schedule(eta=due, expires=late)
        bench.work()
        job = bench.only(Started).job

        assert job.scheduled_at == pytest.approx(due.timestamp(), abs=1)
        assert job.extra["expires_at"] == pytest.approx(late.timestamp(), abs=1)
        assert bench.only(Success).queue_wait == pytest.approx(7200, abs=60)


def test_extra_says_what_is_periodic_and_limited(bench: Bench) -> None:
    """Huey's own facts are in ``extra``, where there are any."""

    @bench.huey.periodic_task(crontab(), timeout=5)
    def nightly() -> None: ...

    bench.huey.enqueue(nightly.task_class())
    bench.work()

    assert bench.only(Started).job.extra == {"periodic": True, "timeout": 5}


def test_retries_that_a_single_job_was_given_count_too(bench: Bench) -> None:
    """More retries than the task's own: the attempt can't be known before they have run down, and is never below 1."""

    @bench.huey.task(retries=1)
    def fail() -> None:
        raise RuntimeError

    bench.huey.enqueue(fail.s(retries=3))
    bench.work()
    failures = bench.all(Failure)

    assert [(event.job.attempt, event.job.max_attempts) for event in failures] == [(1, 4), (1, 3), (1, 2), (2, 2)]
    assert [event.final for event in failures] == [False, False, False, True]


def test_a_retry_that_was_asked_for_is_another_execution_of_the_same_attempt(bench: Bench) -> None:
    """Huey takes no retry away for it, so the number stays; the execution's identity differs."""
    answers = iter([RetryTask(), RateLimitExceeded("x", delay=-1)])

    @bench.huey.task()
    def ask() -> None:
        for answer in answers:
            raise answer

    ask()
    bench.work()
    jobs = [event.job for event in bench.all(Started)]

    assert [job.attempt for job in jobs] == [1, 1, 1]
    assert len({job.execution_id for job in jobs}) == 3
    assert bench.story == [
        *ran("aborted retry_requested will retry"),
        *ran("aborted rate_limited will retry"),
        *SUCCEEDED,
    ]


# Failures


@pytest.mark.parametrize("delay", [90, timedelta(seconds=90)])
def test_a_failure_tells_when_it_is_tried_again(bench: Bench, delay: Any) -> None:
    """Huey's own delay, or the one that the job asked for; none when nothing follows."""
    answers = iter([RuntimeError(), RetryTask(delay=delay)])

    @bench.huey.task(retries=2, retry_delay=60, retry_backoff=2)
    def fail() -> None:
        answer = next(answers)
        raise answer from (OSError("busy") if isinstance(answer, RetryTask) else None)

    task = fail.s()
    bench.huey.execute(task)
    bench.huey.execute(fail.s(retries=1))
    first, second = bench.all(Failure)

    assert (first.error.type, first.retry_delay, first.will_retry) == ("builtins.RuntimeError", 60, True)
    assert (second.error.type, second.retry_delay, second.will_retry) == ("builtins.OSError", 90, True)


def test_a_failure_carries_its_cause_and_its_stack(bench: Bench) -> None:
    """The error as the job raised it, from Huey's call down to the line."""

    @bench.huey.task()
    def fail() -> None:
        try:
            int("seven")
        except ValueError as error:
            raise RuntimeError("no number") from error

    fail()
    bench.work()
    error = bench.only(Failure).error

    assert error.message == "no number"
    assert error.cause is not None
    assert error.cause.type == "builtins.ValueError"
    assert error.frames[-1].function.endswith("fail")


def test_a_time_limit_that_the_job_checks_is_a_timeout(bench: Bench) -> None:
    """Threads can't be interrupted, but a job may look at the clock itself."""

    @bench.huey.task(timeout=0.000_001, context=True)
    def compute(task: Any) -> None:
        while True:
            task.check_timeout()

    compute()
    bench.work()

    assert bench.story == list(ran("failure timeout final"))
    assert bench.only(Failure).error.matches(TaskTimeout)


def test_a_result_that_cannot_be_stored_is_a_failure(bench: Bench) -> None:
    """Huey tells nobody: its signals end with the start of the job. The error is in the report all the same."""

    @bench.huey.task(retries=1)
    def give() -> Callable[[], None]:
        return lambda: None

    give()
    with pytest.raises(Exception, match="local object"):
        bench.work()

    assert bench.story == list(FAILED)
    assert "local object" in bench.only(Failure).error.message


def test_the_error_of_the_job_comes_before_that_of_the_storage(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the storage fails once the job has failed, the job is lost, and its own error is the one to know."""

    @bench.huey.task(retries=1)
    def fail() -> None:
        raise RuntimeError("the job's")

    def refuse(key: str, data: object) -> None:
        raise OSError("the storage's")

    fail()
    monkeypatch.setattr(bench.huey, "put_result", refuse)
    with pytest.raises(OSError, match="the storage's"):
        bench.work()

    assert bench.story == list(FAILED)
    assert bench.only(Failure).error.message == "the job's"


# Giving up


def test_an_abort_is_hueys_cancellation(bench: Bench) -> None:
    """Huey doesn't log it as an error, tells nobody of an error, and keeps the reason as the result."""
    errors: list[str] = []

    @bench.huey.signal(SIGNAL_ERROR)
    def failed(signal: str, task: Any, error: BaseException) -> None:
        errors.append(repr(error))

    @bench.huey.task(retries=3)
    def skip() -> None:
        raise Abort("no_stock")

    result = skip()
    bench.work()

    assert bench.story == list(ran("aborted no_stock"))
    assert errors == []
    with pytest.raises(TaskException, match="no_stock"):
        result()


def test_an_abort_may_ask_for_another_try(bench: Bench) -> None:
    """``will_retry`` is Huey's decision from there on, so it happens."""
    aborts = iter([Abort("not_yet", will_retry=True)])

    @bench.huey.task()
    def skip() -> None:
        for abort in aborts:
            raise abort

    skip()
    bench.work()

    assert bench.story == [*ran("aborted not_yet will retry"), *SUCCEEDED]


def test_what_huey_will_try_again_is_known(bench: Bench) -> None:
    """Cancelled or locked out: with retries left another attempt follows."""
    answers = iter([CancelExecution(retry=True), CancelExecution(), TaskLockedException()])

    @bench.huey.task(retries=3)
    def give_up() -> None:
        for answer in answers:
            raise answer

    give_up()
    bench.work()

    assert [event for event in bench.story if event.startswith("aborted")] == [
        "aborted cancelled will retry",
        "aborted cancelled will retry",
        "aborted locked will retry",
    ]


def test_a_job_that_a_hook_cancels_is_not_tried_again(bench: Bench) -> None:
    """A pre-execute hook that cancels ends the job, whatever retries it has, and Huey runs no hook after it."""

    @bench.huey.pre_execute()
    def refuse(task: Any) -> None:
        raise CancelExecution

    @bench.huey.task(retries=2)
    def work() -> None: ...

    work()
    bench.work()

    assert bench.story == list(ran("aborted cancelled"))
    assert bench.only(Aborted).will_retry is False


@pytest.mark.parametrize(
    ("exit_code", "outcome"), [(3, "aborted shutdown"), (0, "success"), (KeyboardInterrupt, "aborted shutdown")]
)
def test_a_job_that_exits(bench: Bench, exit_code: Any, outcome: str) -> None:
    """An exit means the same as in any program that reports, and goes its way."""

    @bench.huey.task()
    def leave() -> None:
        raise KeyboardInterrupt if exit_code is KeyboardInterrupt else SystemExit(exit_code)

    leave()
    if exit_code is KeyboardInterrupt:  # Huey takes this for its own signal, and lets the worker end by itself
        bench.work()
    else:
        with pytest.raises(SystemExit):
            bench.work()

    assert bench.story == list(ran(outcome))


# Executions inside executions


def test_the_current_execution_is_the_jobs(bench: Bench) -> None:
    """Code of the job finds its execution, from the hooks before it on, and nothing is left behind."""
    found: list[str] = []

    @bench.huey.pre_execute()
    def before(task: Any) -> None:
        found.append(Execution.current().job.id)  # type: ignore[union-attr] - it is what the test is about

    @bench.huey.task()
    def work() -> None:
        execution = Execution.current()
        assert execution is not None
        execution.tag(customer="acme")
        found.append(execution.job.id)

    result = work()
    bench.work()

    assert found == [result.id, result.id]
    assert Execution.current() is None
    assert bench.only(Success).tags == {"customer": "acme"}


def test_a_task_called_as_a_function_is_no_execution(bench: Bench) -> None:
    """``call_local`` runs within the job that calls it, and what it raises is an ordinary exception."""

    @bench.huey.task()
    def inner() -> None:
        raise Abort("skipped")

    @bench.huey.task()
    def outer() -> None:
        with pytest.raises(Abort):
            inner.call_local()

    outer()
    bench.work()

    assert bench.story == list(SUCCEEDED)


def test_jobs_that_run_inside_a_job_do_not_mix_with_it(immediate: Bench) -> None:
    """In immediate mode a job that enqueues another runs it at once: each keeps its own execution and its own tags."""

    @immediate.huey.task()
    def inner() -> None:
        Execution.current().tag(which="inner")  # type: ignore[union-attr] - it is what the test is about
        raise RuntimeError

    @immediate.huey.task()
    def outer() -> None:
        inner()
        Execution.current().tag(which="outer")  # type: ignore[union-attr] - it is what the test is about

    outer()
    events = immediate.events

    assert [summary(event) for event in events] == ["started", *FAILED, "success", "stopped success"]
    assert [event.tags["which"] for event in events if isinstance(event, Failure | Success)] == ["inner", "outer"]


def test_a_retry_that_runs_inside_its_predecessor_comes_after_it(immediate: Bench) -> None:
    """In immediate mode the second attempt runs while Huey still ends the first, with the very same task object."""
    failures = iter([RuntimeError()])

    @immediate.huey.task(retries=1)
    def fail_once() -> None:
        for failure in failures:
            raise failure

    fail_once()

    assert immediate.story == [*ran("failure exception will retry"), *SUCCEEDED]
    assert [event.job.attempt for event in immediate.all(Stopped)] == [1, 2]
    assert Execution.current() is None


def test_a_pipeline_is_one_execution_for_each_step(immediate: Bench) -> None:
    """What follows a job starts once that has stopped; what follows a failure is a job as well."""

    @immediate.huey.task()
    def step(number: int) -> int:
        return number + 1

    @immediate.huey.task()
    def fail(number: int) -> None:
        raise RuntimeError

    @immediate.huey.task()
    def lament(error: BaseException) -> None: ...

    immediate.huey.enqueue(step.s(1).then(step).then(fail.s().error(lament)))

    assert immediate.story == [*SUCCEEDED, *SUCCEEDED, *FAILED, *SUCCEEDED]


def test_the_consumers_end_leaves_no_execution_open(bench: Bench) -> None:
    """Two attempts at one job overlap, and Huey tells of one only; what they still do afterwards changes nothing."""
    entered, release = threading.Semaphore(0), threading.Event()

    @bench.huey.task()
    def hold() -> None:
        entered.release()
        release.wait()

    tasks = [hold.s(), hold.s()]
    tasks[1].id = tasks[0].id
    threads = [threading.Thread(target=bench.huey.execute, args=[task]) for task in tasks]
    for thread in threads:
        thread.start()
        assert entered.acquire(timeout=10)
    bench.huey.notify_interrupted_tasks()
    release.set()
    for thread in threads:
        thread.join()

    assert sorted(bench.story) == sorted([*SHUT_DOWN, *SHUT_DOWN])


# What jobreporter must not do


def test_nothing_of_ours_is_left_on_the_task(bench: Bench) -> None:
    """Another integration may wrap the same things: what we wrap for a run we unwrap, and nothing else."""
    order: list[str] = []

    @bench.huey.signal(SIGNAL_EXECUTING)
    def wrap(signal: str, task: Any) -> None:
        inside = task.execute

        def execute() -> Any:
            order.append("outside")
            return inside()

        task.execute = execute

    @bench.huey.task()
    def work() -> None:
        order.append("inside")

    work()
    task = bench.huey.dequeue()
    bench.huey.execute(task)

    assert order == ["outside", "inside"]
    assert bench.story == list(SUCCEEDED)


def test_an_error_of_ours_is_logged_once_and_harms_no_job(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Jobs run as if nobody watched."""
    ran_jobs: list[int] = []

    @bench.huey.task()
    def work(number: int) -> None:
        ran_jobs.append(number)

    monkeypatch.setattr(bench.dispatcher, "begin", bug)
    for number in range(3):
        work(number)
    bench.work()

    assert ran_jobs == [0, 1, 2]
    assert times_logged(caplog, "could not be reported") == 1


def test_an_execution_ends_whatever_goes_wrong_at_its_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """If even its outcome can't be noted, it has stopped, for a reason that is unknown."""

    @bench.huey.task()
    def fail() -> None:
        raise RuntimeError

    monkeypatch.setattr(Execution, "fail", bug)
    fail()
    bench.work()

    assert bench.story == list(ran("aborted unknown"))


def test_jobs_run_where_nothing_can_be_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """In immediate mode there is no worker's start to refuse: a config that can't be used is logged, once."""
    use_config(tmp_path, monkeypatch, UNUSABLE)
    huey = MemoryHuey("desk", immediate=True)
    attach(huey)

    @huey.task()
    def work(answer: BaseException | None = None) -> int:
        if answer is not None:
            raise answer
        return 42

    result = work()
    work(CancelExecution())
    work(KeyboardInterrupt())
    work.revoke()
    work()

    assert result() == 42
    assert times_logged(caplog, "[reporters.recorder]") == 1


def test_attaching_twice_is_refused(bench: Bench) -> None:
    """Every event would come twice, so the sentence says so."""
    with pytest.raises(JobReporterError, match="attach\\(\\) was called twice for the Huey 'desk'"):
        attach(bench.huey)


# Real consumers, beyond what all sources have in common


@KINDS
def test_a_consumer_that_starts_anew(kind: str, make_bench: MakeBench) -> None:
    """On SIGHUP Huey executes itself in the same process, without atexit: what was reported before is not lost."""
    bench = make_bench(huey_app.Source(), kind)
    bench.send("success", "hold")
    bench.start()
    bench.wait_for_start("hold")
    bench.signal(signal.SIGHUP)
    bench.put("hold.release")
    bench.wait_for_stops({"hold": 1})
    bench.send("exception")
    bench.wait_for_stops({"exception": 1})
    bench.stop()
    hooks = [call.hook for call in bench.calls()]

    assert bench.executions("hold") == [SUCCEEDED]
    assert bench.executions("exception") == [FAILED]
    assert hooks.count("reporter_start") == hooks.count("reporter_stop") == 2


@KINDS
def test_a_job_that_ends_its_worker(kind: str, make_bench: MakeBench) -> None:
    """A job that exits, or returns what can't be stored, ends its execution; the jobs after it are reported as well."""
    bench = make_bench(huey_app.Source(), kind)
    bench.send("exit", "unstorable", "success")
    bench.start()
    bench.wait_for_stops({"exit": 1, "unstorable": 1, "success": 1})
    bench.stop()

    assert bench.executions("exit") == [SHUT_DOWN]
    assert bench.executions("unstorable") == [FAILED]
    assert bench.executions("success") == [SUCCEEDED]


@KINDS
def test_two_jobs_that_are_interrupted(kind: str, make_bench: MakeBench) -> None:
    """Each job that the consumer's end interrupts is told, also when a thread goes on for a moment."""
    bench = make_bench(huey_app.Source(), kind)
    bench.send("hold", "hold-too")
    bench.start(workers=2)
    bench.wait_for_start("hold")
    bench.wait_for_start("hold-too")
    bench.signal(signal.SIGTERM)
    bench.wait()

    assert bench.executions("hold") == [SHUT_DOWN]
    assert bench.executions("hold-too") == [SHUT_DOWN]


@KINDS
def test_a_consumer_made_by_hand_runs_no_job_with_a_bad_config(kind: str, make_bench: MakeBench) -> None:
    """Without ``create_consumer`` a worker's own start is the earliest place: it goes no further."""
    bench = make_bench(huey_app.Source(by_hand=True), kind, config=UNUSABLE)
    bench.send("hold")
    bench.start()
    wait_for(lambda: "died, restarting" in bench.what_the_worker_said(), "a worker died", bench.what_the_worker_said)
    bench.signal(signal.SIGTERM)
    bench.wait()

    assert "[reporters.recorder]" in bench.what_the_worker_said()
    assert not bench.has("hold.entered")


@KINDS
def test_a_consumer_made_by_hand_reports(kind: str, make_bench: MakeBench) -> None:
    """It reads the config when its workers start, and loses nothing at its end."""
    bench = make_bench(huey_app.Source(by_hand=True), kind)
    bench.send("success")
    bench.start(workers=2)
    bench.wait_for_stops({"success": 1})
    bench.stop()

    assert bench.executions("success") == [SUCCEEDED]
    assert bench.calls()[-1].hook == "reporter_stop"
