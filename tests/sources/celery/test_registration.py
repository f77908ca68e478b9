"""Tasks that are registered at any time, in any way, with classes of the program's own."""

from __future__ import annotations

import pytest
from celery import Celery
from celery_late_app import Source
from conftest import MakeBench
from scenarios import SUCCEEDED, ran
from workers import Bench, wait_for

from jobreporter.events import Failure
from jobreporter.sources.celery._children import alive

LOST = ran("failure worker_lost final")
#: What becomes of the jobs of each late task, by its name without the time when it was registered.
ENDS = {
    "dies": [LOST],
    "aborts": [ran("aborted skipped")],
    "lingers": [ran("failure timeout final")],
    "dies in its own way": [LOST],
    "comes again": [ran("failure worker_lost will retry"), SUCCEEDED],
    "class": [LOST],
    "registry": [LOST],
}


@pytest.mark.parametrize("when", ["init", "late"])
def test_a_task_may_be_registered_at_any_time(when: str, make_bench: MakeBench) -> None:
    """While its worker starts, or while it runs: what ends a child together with its job ends the job."""
    bench = make_bench(Source(), "prefork")
    bench.start()
    wait_for(lambda: "ready." in bench.what_the_worker_said(), "the worker is ready", bench.what_the_worker_said)
    names = {f"{when}.{name}": ends for name, ends in ENDS.items()}
    with Celery(broker=bench.queue, set_as_current=False) as client:
        if when == "late":
            import_and_replace_the_child(bench, client)
        for name, ends in names.items():  # one by one: a child that dies takes along what it was about to take
            client.send_task(name, task_id=name)
            bench.wait_for_stops({name: len(ends)})
    bench.stop()

    assert {name: bench.executions(name) for name in names} == names, bench.what_the_worker_said()
    assert bench.has(f"{when}.dies in its own way.seen")
    lost = [event for name in names for event in bench.events(name) if isinstance(event, Failure)]
    assert {event.exit_status for event in lost if event.kind == "worker_lost"} == {-9}
    assert {event.exit_status for event in lost if event.kind == "timeout"} == {None}


def import_and_replace_the_child(bench: Bench, client: Celery) -> None:
    """Have the worker import further tasks, and start its child anew, which doesn't know them."""
    client.send_task("init.aborts", task_id="first")
    bench.wait_for_stops({"first": 1})
    child = int(bench.events("first")[0].job.worker.rpartition(":")[2])
    bench.send("restart")
    wait_for(lambda: not alive(child), "the child is gone", bench.what_the_worker_said)
