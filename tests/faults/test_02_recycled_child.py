"""Row 2: a pool's child is recycled after each job."""

from __future__ import annotations

import multiprocessing
import multiprocessing.util
import os
from pathlib import Path

from jobreporter import Dispatcher
from jobreporter.testing import FileRecorder, read_calls


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
