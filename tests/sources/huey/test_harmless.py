"""What jobreporter must not do to Huey's jobs and workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from huey import CancelExecution, MemoryHuey
from huey.signals import SIGNAL_EXECUTING
from huey_bench import Bench
from reported import bug, times_logged, use_config
from scenarios import SUCCEEDED, ran
from workers import UNUSABLE

from jobreporter import Execution, JobReporterError
from jobreporter.sources.huey import attach


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
