"""What jobreporter must not do to an app, its jobs and its workers."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import billiard
import celery
import pytest
from celery import Celery, Task, signals
from celery.concurrency.prefork import TaskPool
from celery_bench import Desk, Sender, app_in_memory
from reported import bug, times_logged, use_config
from scenarios import ran
from workers import UNUSABLE

from jobreporter import Abort, Execution, JobReporterError
from jobreporter.sources.celery import attach


def test_an_error_of_ours_is_logged_once_and_harms_no_job(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Jobs run as if nobody watched."""
    ran_jobs: list[int] = []

    @desk.task
    def work(number: int) -> None:
        ran_jobs.append(number)

    monkeypatch.setattr(desk.dispatcher, "resume", bug)
    for number in range(3):
        desk.work_on(work, number)

    assert ran_jobs == [0, 1, 2]
    assert times_logged(caplog, "could not be reported") == 1


def test_an_execution_ends_whatever_goes_wrong_at_its_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """If even its outcome can't be noted, it has stopped, for a reason that is unknown."""

    @desk.task
    def fail() -> None:
        raise RuntimeError

    monkeypatch.setattr(Execution, "fail", bug)
    desk.work_on(fail)

    assert desk.story == list(ran("aborted unknown"))


def test_jobs_run_where_nothing_can_be_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a worker's start to refuse, as for eager jobs, a config that can't be used is logged, once."""
    use_config(tmp_path, monkeypatch, UNUSABLE)
    app = Celery("desk", set_as_current=False, task_always_eager=True)
    app.conf.task_always_eager = True
    attach(app)

    @app.task(shared=False, bind=True)
    def work(self: Task, error: bool = False) -> int:
        if error:
            raise self.retry(exc=RuntimeError(), max_retries=0)
        return 42

    result = work.delay()
    work.delay(error=True)

    assert result.get() == 42
    assert times_logged(caplog, "[reporters.recorder]") == 1


def test_attaching_twice_is_refused(desk: Desk) -> None:
    """Every event would come twice, so the sentence says so; a proxy of the app is the app."""
    desk.app.set_current()
    with pytest.raises(JobReporterError, match="attach\\(\\) was called twice for the Celery app 'desk'"):
        attach(celery.current_app)


def test_an_app_that_nobody_uses_any_more_is_forgotten() -> None:
    """Celery holds what is connected to its signals weakly: jobreporter doesn't keep an app alive."""
    app = Celery("desk", set_as_current=False)
    attach(app)
    app.close()
    ours = weakref.ref(app.jobreporter)
    del app
    gc.collect()

    assert ours() is None


def test_tasks_that_exist_already(desk: Desk) -> None:
    """An app may be attached late: its tasks learn what `Abort` is then."""
    app = app_in_memory("late")

    @app.task(shared=False, autoretry_for=(Exception,))
    def skip() -> None:
        raise Abort("skipped")

    app.finalize()
    attach(app, desk.dispatcher)
    Desk(app, desk.dispatcher, lambda: desk.events).work_on(skip)

    assert desk.story == list(ran("aborted skipped"))
    app.close()


def test_a_pool_whose_processes_are_not_forked_is_told(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """They are other programs, with a copy of the app: what runs there isn't reported, and the log says so."""
    consumer = Sender(desk.app, TaskPool(1, app=desk.app))
    before = billiard.get_start_method()
    billiard.set_start_method("spawn", force=True)
    try:
        signals.worker_ready.send(sender=consumer)
    finally:
        billiard.set_start_method(before, force=True)

    assert "the pool's processes aren't forked (spawn)" in caplog.text
