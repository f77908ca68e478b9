"""What RQ's worker and its work horse tell, each on its side of the fork."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rq
from in_jobs import RECORDS
from reported import use_config
from rq import Retry
from rq.job import Job, JobStatus
from rq_bench import (
    LOST,
    NEVER_STARTED,
    Bench,
    charge,
    die,
    fail,
)
from scenarios import FAILED, FAILED_AT_FIRST, SUCCEEDED, ran
from workers import CONFIG, wait_for

from jobreporter import hookimpl
from jobreporter.events import Failure, Started
from jobreporter.sources.rq import Queue, Worker


def test_a_horse_delivers_everything_before_it_exits(stable: Bench) -> None:
    """Each is a process of its own, with reporters of its own; the worker's own process starts none."""
    stable.queue.enqueue(charge, "acme", "k")
    stable.enqueue(fail(RuntimeError()), retry=Retry(max=1))
    stable.work()

    assert stable.story == [*SUCCEEDED, *FAILED_AT_FIRST, *FAILED]
    workers = {event.job.worker for event in stable.events}
    assert len(workers) == 3
    assert not any(worker.endswith(f":{os.getpid()}") for worker in workers)
    assert [event.job.attempt for event in stable.all(Started)] == [1, 1, 2]


def test_what_a_killed_horse_cannot_tell_its_worker_does(stable: Bench) -> None:
    """It is the same execution, of the same process; what RQ tries again is an attempt of its own."""
    stable.enqueue(die, retry=Retry(max=1, interval=60))
    stable.work()
    first, second = stable.all(Failure)

    assert stable.story == [*ran("failure worker_lost will retry"), *LOST]
    assert first.error.message == "the work horse was killed by SIGKILL"
    assert first.exit_status == second.exit_status == -signal.SIGKILL
    assert (first.will_retry, first.retry_delay) == (True, 60)
    assert first.job == stable.all(Started)[0].job
    assert second.job == stable.all(Started)[1].job
    assert [(job.attempt, job.scheduled_at is not None) for job in (first.job, second.job)] == [(1, False), (2, True)]


@pytest.mark.parametrize(("end", "how"), [(3, "exited with code 3"), (signal.SIGRTMIN + 2, "was killed by signal 36")])
def test_how_a_horse_was_lost_is_told(stable: Bench, end: int, how: str) -> None:
    """In words, also where the signal has no name."""
    stable.enqueue(lambda: os.kill(os.getpid(), end) if end >= signal.SIGRTMIN else os._exit(end))
    stable.work()

    assert stable.only(Failure).error.message == f"the work horse {how}"
    assert stable.only(Failure).exit_status == (end if end == 3 else -end)
    assert stable.story[-2:] == list(NEVER_STARTED)


def test_a_horse_that_somebody_else_has_waited_for(stable: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nobody knows how it ended, and that is what is told."""
    wait = rq.Worker.wait_for_horse

    def wait_for_horse(worker: Worker) -> Any:
        os.waitpid(worker.horse_pid, 0)
        return wait(worker)

    monkeypatch.setattr(rq.Worker, "wait_for_horse", wait_for_horse)
    stable.enqueue(die)
    stable.work()

    assert stable.story == list(LOST)
    assert stable.only(Failure).error.message == "the work horse is gone, and nobody can say how it ended"
    assert stable.only(Failure).exit_status is None


def test_no_thread_of_ours_lives_where_a_worker_forks(stable: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for the first horse, and not after the worker told of one that was killed."""
    threads: list[list[str]] = []
    fork = os.fork
    others = set(threading.enumerate())

    def watched() -> int:
        started = set(threading.enumerate()) - others
        threads.append([thread.name for thread in started if thread.name.startswith("jobreporter")])
        return fork()

    monkeypatch.setattr(os, "fork", watched)
    stable.enqueue(die)
    stable.enqueue(str)
    stable.work()

    assert stable.story == [*LOST, *SUCCEEDED]
    assert threads == [[]] * 3


def stop_while_it_runs(worker: Any, job: Job) -> None:
    """Let the worker hear RQ's command to stop this job once the horse is under way."""
    inside = worker.wait_for_horse

    def wait_for_horse() -> Any:
        ended = inside()
        worker._stopped_job_id = job.id  # as the thread that hears the command does, before it kills the horse
        return ended

    worker.wait_for_horse = wait_for_horse


def test_a_stopped_job_is_told_once(stable: Bench) -> None:
    """RQ's command kills the horse, and the job is never tried again."""
    job = stable.enqueue(die, retry=Retry(max=3))
    stop_while_it_runs(stable.worker, job)
    stable.work()

    assert stable.story == list(ran("aborted revoked"))
    assert stable.all(Started)[0].job == stable.events[-1].job
    assert job.get_status() == JobStatus.STOPPED


KILLER = """
[reporters.killer]
use = "{module}:killer"
"""


class Killer:
    """A reporter that has its process killed when it has seen the end of a job."""

    @hookimpl
    def handle_stopped(self) -> None:
        calls = Path(os.environ["JOBREPORTER_CONFIG"]).with_name(RECORDS)
        wait_for(lambda: b'"stopped"' in calls.read_bytes(), "the end was written down", str)
        os.kill(os.getpid(), signal.SIGKILL)


killer = Killer()


@pytest.mark.parametrize("stopping", [False, True])
@pytest.mark.parametrize(
    ("act", "options", "story"),
    [
        (lambda: None, {}, SUCCEEDED),
        (fail(RuntimeError()), {}, FAILED),
        (fail(RuntimeError()), {"retry": Retry(max=1, interval=3600)}, FAILED_AT_FIRST),
    ],
    ids=["success", "failure", "retry"],
)
def test_a_horse_that_is_killed_after_it_told_the_end(
    stable: Bench,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    act: Callable[[], None],
    options: dict[str, Any],
    story: tuple[str, ...],
    stopping: bool,
) -> None:
    """The worker has nothing to add, whatever RQ makes of it: a stop command may come too late, by a moment."""
    use_config(tmp_path, monkeypatch, CONFIG + KILLER.format(module=__name__))
    job = stable.enqueue(act, **options)
    if stopping:
        stop_while_it_runs(stable.worker, job)
    stable.worker.execute_job(*Queue.dequeue_any([stable.queue], None, connection=stable.connection))

    assert stable.story == list(story)


@pytest.mark.parametrize(
    ("act", "story"), [(lambda: None, SUCCEEDED), (fail(RuntimeError()), LOST)], ids=["success", "failure"]
)
def test_a_horse_that_is_killed_before_it_told_the_end(
    stable: Bench, act: Callable[[], None], story: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """RQ has saved it and sees nothing amiss, so the worker tells what was saved."""
    monkeypatch.setattr(Worker, "_may_end", lambda _worker, _run: die())
    stable.enqueue(act)
    stable.work()

    assert stable.story == list(story)


@pytest.mark.parametrize("end", [sys.exit, lambda: None], ids=["exit", "return"])
def test_a_child_of_a_job_that_goes_on_where_it_was_forked_ends_nothing(stable: Bench, end: Callable[[], None]) -> None:
    """RQ runs on in it as in the horse, and saves what it thinks. The end of the execution is the horse's to tell."""

    def work() -> None:
        if pid := os.fork():
            os.waitpid(pid, 0)
        else:
            end()

    stable.enqueue(work)
    stable.work()

    assert stable.story == list(SUCCEEDED)


def test_a_job_that_was_deleted_while_it_ran(stable: Bench) -> None:
    """RQ says nothing of a killed horse then; its execution ends all the same."""

    def work() -> None:
        job.delete()
        die()

    job = stable.enqueue(work)
    stable.work()

    assert stable.story == list(LOST)


def test_a_job_beyond_the_reach_of_its_time_limit(stable: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """RQ kills a horse that is a minute late; the limit here is over before it starts."""
    kill = rq.Worker.kill_horse

    def kill_horse(worker: Worker, *args: Any) -> None:
        # RQ kills the horse's process group, which is that of these tests until the horse has made one of its own.
        wait_for(lambda: os.getpgid(worker.horse_pid) == worker.horse_pid, "the horse has its own group", str)
        kill(worker, *args)

    monkeypatch.setattr(rq.Worker, "kill_horse", kill_horse)
    stable.worker.job_monitoring_interval = 1
    stable.enqueue(signal.pause, job_timeout=-100)
    stable.work()

    assert stable.story == list(ran("failure timeout final"))
    assert stable.only(Failure).error.message == "the work horse exceeded its time limit by a minute, and was killed"
    assert stable.only(Failure).exit_status == -signal.SIGKILL


def test_a_broken_reporter_costs_a_horse_no_time(
    stable: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried, and once more at the end, and the others are served; nobody waits for the deadline."""
    config = '[dispatcher]\nexit_timeout = 600.0\n[reporters.broken]\nuse = "{module}:broken"\n'
    use_config(tmp_path, monkeypatch, config.format(module=__name__) + CONFIG)
    stable.enqueue(str)
    start = time.monotonic()
    stable.work()

    assert stable.story == list(SUCCEEDED)
    assert time.monotonic() - start < 60


class Broken:
    """A reporter that can't start."""

    @hookimpl
    def reporter_start(self) -> None:
        raise OSError("no route")

    @hookimpl
    def handle_success(self) -> None: ...


broken = Broken()
