"""Every source reports the same of the same job, whatever kind of worker runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import huey_app
import pytest
from conftest import MakeBench
from scenarios import FAILED, SCENARIOS, SHUT_DOWN, SUCCEEDED, Scenario
from workers import Bench, Source

#: A config that no worker may start with.
UNUSABLE = "[reporters.recorder]\nuse = 7\n"

SOURCES: tuple[Source, ...] = (huey_app.Source(),)

EVERY_KIND = pytest.mark.parametrize(
    ("source", "kind"),
    [pytest.param(source, kind, id=f"{source.name}-{kind}") for source in SOURCES for kind in source.kinds],
)


def expected(source: Source, kind: str, scenario: Scenario) -> list[tuple[str, ...]]:
    return list(source.instead.get((kind, scenario.name), scenario.executions))


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Source, str], Bench]]:
    """The bench of one worker that has been through all scenarios: one run for all the tests that look at it."""
    benches: list[Bench] = []

    @cache
    def run(source: Source, kind: str) -> Bench:
        bench = Bench(source, kind, tmp_path_factory.mktemp(f"{source.name}-{kind}"))
        benches.append(bench)
        bench.send(*(scenario.name for scenario in SCENARIOS))
        bench.start(workers=2)
        bench.wait_for_stops({scenario.name: len(expected(source, kind, scenario)) for scenario in SCENARIOS})
        bench.stop()
        return bench

    yield run
    for bench in benches:
        bench.kill()


@EVERY_KIND
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_an_undisturbed_worker(
    source: Source, kind: str, scenario: Scenario, undisturbed: Callable[[Source, str], Bench]
) -> None:
    """What the scenario says, and nothing else: one outcome for each execution, and stopped last."""
    bench = undisturbed(source, kind)

    assert bench.executions(scenario.name) == expected(source, kind, scenario), scenario.says
    if scenario.attempts is not None:
        attempts = {event.job.execution_id: event.job.attempt for event in bench.events(scenario.name)}
        assert tuple(attempts.values()) == scenario.attempts


@EVERY_KIND
def test_an_undisturbed_worker_ends_its_reporters(
    source: Source, kind: str, undisturbed: Callable[[Source, str], Bench]
) -> None:
    """In each process that reported, the reporter was started once, flushed after its last event, and stopped last."""
    calls = undisturbed(source, kind).calls()

    for pid in {call.pid for call in calls}:
        hooks = [call.hook for call in calls if call.pid == pid]
        assert hooks.count("reporter_start") == hooks.count("reporter_stop") == 1
        assert (hooks[0], hooks[-2], hooks[-1]) == ("reporter_start", "reporter_flush", "reporter_stop")


@EVERY_KIND
def test_a_process_that_only_enqueues_starts_nothing(source: Source, kind: str, make_bench: MakeBench) -> None:
    """It has the one thread that it began with, and a config that can't be used doesn't concern it."""
    bench = make_bench(source, kind, config=UNUSABLE)

    assert bench.send("success") == "threads: 1"


@EVERY_KIND
def test_an_abrupt_end(source: Source, kind: str, make_bench: MakeBench) -> None:
    """A job that the worker's end interrupts is aborted for the shutdown, and nothing that was reported is lost."""
    bench = make_bench(source, kind)
    bench.send("success", "hold")
    bench.start()
    bench.wait_for_start("hold")
    bench.signal(source.abrupt)
    bench.wait()

    assert bench.executions("success") == [SUCCEEDED]
    assert bench.executions("hold") == [SHUT_DOWN]
    assert bench.calls()[-1].hook == "reporter_stop"


@EVERY_KIND
def test_a_graceful_end(source: Source, kind: str, make_bench: MakeBench) -> None:
    """A job that runs when the worker is asked to end is finished, and its success is reported."""
    bench = make_bench(source, kind)
    bench.send("hold", "success")
    bench.start()
    bench.wait_for_start("hold")
    bench.signal(source.graceful)
    bench.put("hold.release")

    assert bench.wait() == 0
    assert bench.executions("hold") == [SUCCEEDED]
    assert bench.calls()[-1].hook == "reporter_stop"


@EVERY_KIND
def test_workers_that_are_replaced(source: Source, kind: str, make_bench: MakeBench) -> None:
    """Nothing is lost when each worker is replaced after one job, and each job is reported once."""
    bench = make_bench(source, kind)
    bench.send("success", "exception", "skipped")
    bench.start(max_jobs=1)
    bench.wait_for_stops({"success": 1, "exception": 1, "skipped": 1})
    bench.stop()

    assert bench.executions("success") == [SUCCEEDED]
    assert bench.executions("exception") == [FAILED]
    assert [call.hook for call in bench.calls()].count("handle_stopped") == 3


@EVERY_KIND
def test_a_killed_worker(source: Source, kind: str, make_bench: MakeBench) -> None:
    """A worker that is killed takes the end of its job along; what it had reported before stays."""
    bench = make_bench(source, kind)
    bench.send("hold")
    bench.start()
    bench.wait_for_start("hold")
    bench.kill()

    assert bench.executions("hold") == [("started",)]


@EVERY_KIND
def test_a_config_that_cannot_be_used(source: Source, kind: str, make_bench: MakeBench) -> None:
    """It ends the worker at its start, with the error on stderr and before any job."""
    bench = make_bench(source, kind, config=UNUSABLE)
    bench.send("success")
    bench.start()

    assert bench.wait() != 0
    assert "[reporters.recorder]" in bench.what_the_worker_said()
    assert bench.calls() == []


@EVERY_KIND
def test_a_config_that_breaks_while_the_worker_runs(source: Source, kind: str, make_bench: MakeBench) -> None:
    """It never ends a worker later, not even one that is replaced."""
    bench = make_bench(source, kind)
    bench.send("success")
    bench.start(max_jobs=1)
    bench.wait_for_stops({"success": 1})
    (bench.folder / "jobreporter.toml").write_text(UNUSABLE)
    bench.send("exception")
    bench.wait_for_stops({"exception": 1})
    bench.stop()

    assert bench.executions("exception") == [FAILED]


@EVERY_KIND
def test_a_reporter_that_cannot_be_loaded(source: Source, kind: str, make_bench: MakeBench) -> None:
    """It is told, once; jobs do not notice, and neither does the reporter beside it."""
    config = """
[reporters.recorder]
use = "jobreporter.testing:FileRecorder"
path = "{path}"

[reporters.broken]
use = "no_such_module:reporter"
"""
    bench = make_bench(source, kind, config=config)
    bench.send("success")
    bench.start()
    bench.wait_for_stops({"success": 1})
    bench.stop()

    assert bench.executions("success") == [SUCCEEDED]
    assert bench.what_the_worker_said().count("reporter 'broken' is broken") == 1
