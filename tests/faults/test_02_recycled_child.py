"""Row 2: a pool's child is recycled after each job."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import celery_app
import pytest
from scenarios import SUCCEEDED

from jobreporter.testing import read_calls

from .conftest import BenchOf
from .in_workers.slow_recorder import CONFIG

ROOT = Path(__file__).parents[2]
HOOKS = ("handle_started", "handle_success", "handle_stopped")


def told(path: Path) -> Counter[tuple[int, str]]:
    """How often each job was told of, by its number and the hook."""
    return Counter((int(call.job.id), call.hook) for call in read_calls(path) if call.job is not None)


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
@pytest.mark.parametrize("run", ["processes", "generations", "pool", "executor"])
def test_children_of_multiprocessing_deliver_everything(run: str, method: str, tmp_path: Path) -> None:
    """Four jobs in children that end right after them: nobody closes anything, and every event is delivered, once.

    A forked child runs none of the exit handlers that it inherits.
    """
    path = tmp_path / "calls"
    command = [sys.executable, "-m", "tests.faults.children", run, method, str(path)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)
    assert told(path) == dict.fromkeys(((number, hook) for number in range(4) for hook in HOOKS), 1)
    stopped = {call.pid for call in read_calls(path) if call.hook == "reporter_stop"}
    assert stopped == {call.pid for call in read_calls(path) if call.job is not None}, "each child stops its reporters"


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
