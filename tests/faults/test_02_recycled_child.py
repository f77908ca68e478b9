"""Row 2: a pool's child is recycled after each job."""

from __future__ import annotations

import multiprocessing
import multiprocessing.util
import os
from pathlib import Path

import celery_app
from scenarios import SUCCEEDED

from jobreporter import Dispatcher
from jobreporter.testing import FileRecorder, read_calls

from .conftest import BenchOf
from .in_workers.slow_recorder import CONFIG


def begin_child(dispatcher: Dispatcher) -> None:
    """What a source does in a new child: it has the dispatcher closed when the child leaves."""
    multiprocessing.util.Finalize(None, dispatcher.close, args=(20,), exitpriority=10)


def run_job(number: int) -> int:
    assert in_pool is not None
    with in_pool.begin("job", id=str(number)):
        return os.getpid()


in_pool: Dispatcher | None = None


def test_closing_in_the_childs_own_exit_loses_nothing(tmp_path: Path) -> None:
    """Ten jobs in ten children, none of which lives to see a second one: every event is delivered, by its own child."""
    global in_pool  # noqa: PLW0603 - a pool's children find what they inherit by its name alone
    path = tmp_path / "calls"
    in_pool = Dispatcher({"recorder": FileRecorder}, config={"reporters": {"recorder": {"path": str(path)}}})
    context = multiprocessing.get_context("fork")
    with context.Pool(2, begin_child, (in_pool,), maxtasksperchild=1) as pool:
        children = dict(enumerate(pool.map(run_job, range(10), chunksize=1)))
        pool.close()
        pool.join()
    assert len(set(children.values())) == 10
    events = [(int(call.job.id), call.pid, call.hook) for call in read_calls(path) if call.job is not None]
    assert sorted(events) == sorted(
        (number, child, hook)
        for number, child in children.items()
        for hook in ("handle_started", "handle_success", "handle_stopped")
    )
    assert in_pool.close(20)


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
