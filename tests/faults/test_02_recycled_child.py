"""Row 2: a pool's child is recycled after each job."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable
from multiprocessing.context import BaseContext
from pathlib import Path

import celery_app
import pytest
from scenarios import SUCCEEDED

from jobreporter.testing import read_calls

from . import children
from .conftest import BenchOf
from .in_workers.slow_recorder import CONFIG

HOOKS = ("handle_started", "handle_success", "handle_stopped")


def told(path: Path) -> Counter[tuple[int, str]]:
    """How often each job was told of, by its number and the hook."""
    return Counter((int(call.job.id), call.hook) for call in read_calls(path) if call.job is not None)


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
@pytest.mark.parametrize("run", [children.processes, children.pool, children.executor], ids=lambda run: run.__name__)
def test_children_of_multiprocessing_deliver_everything(
    run: Callable[[BaseContext, str], None], method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four jobs in children that end right after them: nobody closes anything, and every event is delivered, once.

    A forked child runs none of the exit handlers that it inherits.
    """
    path = tmp_path / "calls"
    if method == "fork":  # its children inherit what the others have to make for themselves
        monkeypatch.setattr(children, "dispatcher", children.reporting(str(path)))
    run(multiprocessing.get_context(method), str(path))
    assert told(path) == dict.fromkeys(((number, hook) for number in range(4) for hook in HOOKS), 1)
    stopped = {call.pid for call in read_calls(path) if call.hook == "reporter_stop"}
    assert stopped == {call.pid for call in read_calls(path) if call.job is not None}, "each child stops its reporters"


def test_children_of_children_deliver_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child of multiprocessing that has a child of its own: what it was to do at its end is done by each for itself."""
    path = tmp_path / "calls"
    monkeypatch.setattr(children, "dispatcher", children.reporting(str(path)))
    child = multiprocessing.get_context("fork").Process(target=children.run_jobs_below, args=(str(path), 1))
    child.start()
    child.join()
    assert told(path) == dict.fromkeys(((number, hook) for number in (1, 101) for hook in HOOKS), 1)


def test_celerys_children_deliver_everything(bench_of: BenchOf) -> None:
    """Ten tasks in ten children of Celery's pool, with a slow reporter: each child tells of its own task, all of it."""
    bench = bench_of(celery_app.Source(), "prefork", CONFIG)
    tasks = [f"random-{number}-success" for number in range(10)]
    bench.send(*tasks)
    bench.start(workers=2, max_jobs=1)
    bench.wait_for_stops(dict.fromkeys(tasks, 1))
    bench.stop()

    assert {task: bench.executions(task) for task in tasks} == {task: [SUCCEEDED] for task in tasks}
    assert len({child for _, _, child in bench.tellers()}) == 10 == len(bench.tellers())
    assert [told for told in bench.tellers() if told[1] != told[2]] == []
