"""Real workers, beyond what all sources have in common."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import celery_app
import pytest
from conftest import MakeBench, NewQueue
from scenarios import SHUT_DOWN, SUCCEEDED, ran, summary
from workers import Bench, wait_for

from jobreporter.events import Aborted

#: Jobs that end in the very moment in which they are ended, and how.
RACES = {
    "dies after its end": SUCCEEDED,
    "lingers after its end": SUCCEEDED,
    "ends at its limit": SUCCEEDED,
    "ends though revoked": SUCCEEDED,
    "sends until its limit": ran("failure timeout final"),
}


@pytest.fixture(scope="module")
def raced(tmp_path_factory: pytest.TempPathFactory, new_queue: NewQueue) -> Iterator[Bench]:
    """The bench of a worker that has been through all races: one run for all the tests that look at it."""
    folder = tmp_path_factory.mktemp("races")
    source = celery_app.Source()
    bench = Bench(source, "prefork", folder, new_queue(source, folder))
    bench.send(*RACES, "exit", "success")
    bench.start(workers=3)
    bench.wait_for_start("ends though revoked")
    bench.revoke("ends though revoked")
    bench.wait_for_stops(dict.fromkeys([*RACES, "exit", "success"], 1))
    bench.stop()
    yield bench
    bench.kill()


@pytest.mark.parametrize("name", RACES)
def test_an_execution_ends_once_whoever_is_faster(raced: Bench, name: str) -> None:
    """A child that ends its job while the main process gives it up, and a limit that lands in our own code."""
    assert raced.executions(name) == [RACES[name]], raced.what_the_worker_said()


def test_a_job_that_exits_in_a_child(raced: Bench) -> None:
    """It takes its process along. Celery calls that a lost worker, and so does the main process."""
    assert raced.executions("exit") == [ran("failure worker_lost final")]


@pytest.mark.parametrize(
    ("name", "asked", "will_retry"),
    [
        ("unacknowledged", [signal.SIGTERM, signal.SIGQUIT], True),
        ("hold", [signal.SIGINT, signal.SIGINT], None),
    ],
    ids=["late", "early"],
)
def test_a_worker_that_is_asked_twice(
    name: str, asked: list[signal.Signals], will_retry: bool | None, make_bench: MakeBench
) -> None:
    """The first signal asks it to wait for its job, the second to do so no longer."""
    bench = make_bench(celery_app.Source(), "prefork")
    bench.send(name)
    bench.start()
    bench.wait_for_start(name)
    for number, said in zip(asked, ["Warm shutdown", "terminate all running tasks"], strict=True):
        bench.signal(number)
        wait_for(lambda said=said: said in bench.what_the_worker_said(), said, bench.what_the_worker_said)
    bench.wait()
    (aborted,) = (event for event in bench.events(name) if isinstance(event, Aborted))

    assert [summary(event).removesuffix(" will retry") for event in bench.events(name)] == list(SHUT_DOWN)
    assert aborted.will_retry is will_retry


def test_a_job_that_goes_from_a_child_that_is_gone_to_another(make_bench: MakeBench) -> None:
    """Two children die at almost the same time, and Celery looks at one of them before it has heard what the other took.

    It then gives that job to another child, as if nobody had begun it.
    """
    bench = make_bench(celery_app.Source(), "prefork")
    bench.send("hold a", "hold b")
    bench.start(workers=2)
    bench.wait_for_start("hold a")
    bench.wait_for_start("hold b")
    # The worker looks at the child first that was forked last.
    first, last = sorted(("hold a", "hold b"), key=bench.pid_of)
    bench.put(f"{last}.release")
    says(bench, f"[{last}] succeeded")
    (bench.folder / celery_app.TO_WAKE).write_text(str(bench.pid_of(last)))
    os.kill(bench.pid_of(last), signal.SIGSTOP)
    bench.send("random-1-death")
    says(bench, "[random-1-death] received")
    bench.send("success")  # by the time that it is received, the other was handed to the child
    says(bench, "[success] received")
    os.kill(bench.pid_of(first), signal.SIGKILL)
    bench.wait_for_stops({"random-1-death": 2, "success": 1, first: 1})
    bench.stop()

    assert bench.executions("random-1-death") == [ran("failure worker_lost will retry"), SUCCEEDED]
    assert bench.executions(first) == [ran("failure worker_lost final")]


def says(bench: Bench, words: str) -> None:
    """Wait until the worker says so."""
    wait_for(lambda: words in bench.what_the_worker_said(), words, bench.what_the_worker_said)
