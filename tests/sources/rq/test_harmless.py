"""What jobreporter must not do to RQ's jobs and workers."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rq
from redis import Redis
from reported import bug, times_logged
from rq.job import Job, JobStatus
from rq.timeouts import JobTimeoutException
from rq_bench import (
    Bench,
    charge,
    fail,
)
from scenarios import SUCCEEDED, ran

from jobreporter import Dispatcher, Execution
from jobreporter.events import Failure
from jobreporter.sources.rq import Queue, SimpleWorker, Worker, _losses


def test_an_error_of_ours_is_logged_once_and_harms_no_job(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Jobs run as if nobody watched."""
    monkeypatch.setattr(Dispatcher, "resume", bug)
    jobs = [bench.enqueue(str), bench.enqueue(str), bench.enqueue(fail(OSError()))]
    bench.work()

    assert [job.get_status() for job in jobs] == [JobStatus.FINISHED, JobStatus.FINISHED, JobStatus.FAILED]
    assert bench.story == []
    assert times_logged(caplog, "could not be reported") == 2


def test_an_execution_ends_whatever_goes_wrong_at_its_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """If even its outcome can't be noted, it has stopped, for a reason that is unknown."""
    monkeypatch.setattr(Execution, "fail", bug)
    bench.enqueue(fail(RuntimeError()))
    bench.work()

    assert bench.story == list(ran("aborted unknown"))


@pytest.mark.parametrize("method", ["enter", "start"])
def test_a_time_limit_that_lands_inside_our_code_reaches_the_job(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """It is raised wherever the job is, also right after we have begun to report it."""
    inside = getattr(Execution, method)
    alarms = iter([JobTimeoutException("too long")])

    def interrupted(self: Execution) -> Any:
        inside(self)
        for alarm in alarms:
            raise alarm
        return self

    monkeypatch.setattr(Execution, method, interrupted)
    jobs = [bench.enqueue(fail(AssertionError("it ran"))), bench.enqueue(str)]
    bench.work()

    assert [event for event in bench.story if event.startswith("failure")] == ["failure timeout final"]
    assert bench.story.count("stopped failure") == 1
    assert [job.get_status() for job in jobs] == [JobStatus.FAILED, JobStatus.FINISHED]


SLOW = """
import os
from rq.timeouts import JobTimeoutException

if os.path.exists({path!r}):
    raise AssertionError("imported once more, where nothing limits that")
open({path!r}, "w").close()
raise JobTimeoutException("too long")
"""


def test_a_time_limit_that_the_import_of_the_job_exceeds(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It isn't imported again outside the limit, where it might hang for ever; arguments without names are left out."""
    (tmp_path / "slow_module.py").write_text(SLOW.format(path=str(tmp_path / "imported")))
    monkeypatch.syspath_prepend(tmp_path)
    bench.queue.enqueue("slow_module.work", "acme", customer="acme")
    bench.work()
    job = bench.only(Failure).job

    assert bench.story == ["failure timeout final", "stopped failure"]
    assert (job.name, job.args, job.kwargs) == ("slow_module.work", (), {"customer": "acme"})
    assert times_logged(caplog, "could not be reported") == 0


def test_a_lost_job_that_hung_in_its_import(stable: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its worker doesn't hang there as well: it tells what it can without."""
    monkeypatch.setattr(_losses, "IMPORTING", 1)
    (tmp_path / "hanging_module.py").write_text("import os, signal\nsignal.pause()\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(Worker, "_begin", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    stable.queue.enqueue("hanging_module.work", "acme")
    stable.work()
    job = stable.only(Failure).job

    assert (job.name, job.args) == ("hanging_module.work", ())
    assert stable.only(Failure).kind == "worker_lost"


def test_a_lost_job_whose_data_hang(stable: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """To load it may run anything, and then not even the name is known."""
    monkeypatch.setattr(_losses, "IMPORTING", 1)
    monkeypatch.setattr(Worker, "_begin", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    stable.queue.enqueue(charge, Hanging(), "k")
    stable.work()

    assert stable.only(Failure).job.name == "(unreadable)"


class Hanging:
    """What never comes out of a pickle."""

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return signal.pause, ()


def test_nothing_of_ours_is_left_on_the_job(bench: Bench) -> None:
    """What stands for the job's ``perform`` goes with the run."""
    bench.enqueue(str)
    job, queue = Queue.dequeue_any([bench.queue], None, connection=bench.connection)  # type: ignore[misc] - it's there
    bench.worker.execute_job(job, queue)

    assert bench.story == list(SUCCEEDED)
    assert "perform" not in vars(job)


def test_what_is_overridden_is_rqs_own() -> None:
    """If RQ renames a method, ours is never called; if it takes one of our names, it gets ours instead of its own."""
    overridden = {
        name
        for kind in (*Worker.__mro__, *SimpleWorker.__mro__)
        if kind.__module__.startswith("jobreporter.")
        for name in vars(kind)
        if not name.startswith("__") and callable(vars(kind)[name])
    }
    ours = {name for name in overridden if name.startswith("_")} | {
        "_reports",
        "_run",
        "_losses",
        "_claims",
        "_mark",
        "_horse",
    }
    instance = vars(rq.Worker(["desk"], connection=Redis(), prepare_for_work=False))

    assert overridden - ours == {
        "bootstrap",
        "clean_registries",
        "fork_work_horse",
        "handle_exception",
        "handle_job_failure",
        "handle_job_retry",
        "handle_job_success",
        "handle_work_horse_killed",
        "monitor_work_horse",
        "perform_job",
        "request_force_stop",
        "teardown",
        "wait_for_horse",
    }
    assert all(callable(getattr(rq.Worker, name)) for name in overridden - ours)
    assert not [name for name in ours if hasattr(rq.Worker, name) or name in instance]
    assert {"create_job", "enqueue_job", "schedule_job"} <= set(vars(rq.Queue))
    assert "_dependency_ids" in vars(Job.create(charge, connection=Redis()))
