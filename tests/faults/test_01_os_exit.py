"""Row 1: the host leaves through ``os._exit``, as RQ's work horse does, and no exit handler runs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import rq_app
from scenarios import SUCCEEDED

from jobreporter import Dispatcher
from jobreporter.testing import FileRecorder, Recorder, make_event, make_job
from tests.core.dispatch.test_fork import in_child

from .conftest import BenchOf
from .in_workers.slow_recorder import CONFIG
from .programs import delivered


def test_what_was_flushed_is_delivered(tmp_path: Path) -> None:
    """A child that publishes 100 events, flushes within 2 seconds and leaves: all of them are delivered, once."""
    path = tmp_path / "calls"
    dispatcher = Dispatcher({"recorder": FileRecorder}, config={"reporters": {"recorder": {"path": str(path)}}})
    dispatcher.publish(make_event("started", job=make_job(id="parent")))
    assert dispatcher.flush(20)

    def leave() -> None:
        for number in range(100):
            dispatcher.publish(make_event("success", job=make_job(id=str(number))))
        assert dispatcher.flush(2.0)
        os._exit(0)

    in_child(leave)
    assert delivered(path) == ["parent", *map(str, range(100))]
    assert dispatcher.close(20)
    assert len(delivered(path)) == 101


def test_an_idle_flush_takes_no_millisecond() -> None:
    """A flush costs less than 1 ms where nothing came since the last, and less still in a process that has no threads."""
    idle = Dispatcher({"recorder": Recorder()})
    running = Dispatcher({"recorder": Recorder()})
    running.publish(make_event("started"))
    assert running.flush(20)
    for dispatcher in (idle, running):
        assert min(seconds_to_flush(dispatcher) for _ in range(200)) < 0.001
        assert dispatcher.close(20)


def seconds_to_flush(dispatcher: Dispatcher) -> float:
    start = time.perf_counter()
    assert dispatcher.flush(2.0)
    return time.perf_counter() - start


def test_rqs_work_horses_deliver_everything(bench_of: BenchOf) -> None:
    """Each of RQ's horses tells of its own job, all of it, to a reporter that is slower than the horse's way out."""
    bench = bench_of(rq_app.Source(), "fork", CONFIG)
    jobs = [f"random-{number}-success" for number in range(10)]
    bench.send(*jobs)
    bench.start()
    bench.wait_for_stops(dict.fromkeys(jobs, 1))
    bench.stop()

    assert {job: bench.executions(job) for job in jobs} == {job: [SUCCEEDED] for job in jobs}
    assert len({child for _, _, child in bench.tellers()}) == 10 == len(bench.tellers())
    assert [told for told in bench.tellers() if told[1] != told[2]] == []
