"""Every source reports the same of the same job, whatever kind of worker runs it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from functools import cache

import pytest
from conftest import MakeBench, NewQueue
from every_source import SOURCES
from scenarios import FAILED, SCENARIOS, SUCCEEDED, UNDISTURBED
from workers import UNUSABLE, Bench, Source, expected, reason_why_not, wait_for

from jobreporter.events import Success

KINDS = [(source, kind) for source in SOURCES for kind in source.kinds]
UndisturbedBench = Callable[[Source, str], Bench]


def of_kind(source: Source, kind: str) -> str:
    return f"{source.name.removesuffix('_app')}-{kind}"


EVERY_KIND = pytest.mark.parametrize(("source", "kind"), [pytest.param(*each, id=of_kind(*each)) for each in KINDS])


def every_kind_with(scenario: str) -> pytest.MarkDecorator:
    """Every kind of worker in which this can happen."""
    able = [each for each in KINDS if reason_why_not(*each, scenario) is None]
    return pytest.mark.parametrize(("source", "kind"), [pytest.param(*each, id=of_kind(*each)) for each in able])


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, new_queue: NewQueue) -> Iterator[UndisturbedBench]:
    """The bench of one worker that has been through all scenarios: one run for all the tests that look at it."""
    benches: list[Bench] = []

    @cache
    def run(source: Source, kind: str) -> Bench:
        folder = tmp_path_factory.mktemp(of_kind(source, kind))
        bench = Bench(source, kind, folder, new_queue(source, folder))
        benches.append(bench)
        names = [scenario.name for scenario in UNDISTURBED if reason_why_not(source, kind, scenario.name) is None]
        bench.send(*names)
        bench.start(workers=2)
        bench.wait_for_stops({name: len(expected(source, kind, name)) for name in names})
        bench.stop()
        return bench

    yield run
    for bench in benches:
        bench.kill()


@pytest.mark.parametrize(
    ("source", "kind", "name"),
    [
        pytest.param(source, kind, scenario.name, id=f"{of_kind(source, kind)}-{scenario.name}")
        for source, kind in KINDS
        for scenario in UNDISTURBED
        if reason_why_not(source, kind, scenario.name) is None
    ],
)
def test_an_undisturbed_worker(source: Source, kind: str, name: str, undisturbed: UndisturbedBench) -> None:
    """What the scenario says, and nothing else: one outcome for each execution, and stopped last."""
    bench = undisturbed(source, kind)
    scenario = SCENARIOS[name]

    assert bench.executions(name) == expected(source, kind, name), scenario.says
    if scenario.attempts is not None:
        attempts = {event.job.execution_id: event.job.attempt for event in bench.events(name)}
        assert tuple(attempts.values()) == scenario.attempts


@EVERY_KIND
def test_the_job_finds_its_execution(source: Source, kind: str, undisturbed: UndisturbedBench) -> None:
    """Its tags arrive, its secrets don't, and the worker is the process that ran it."""
    bench = undisturbed(source, kind)
    successes = [(call.pid, call.meta) for call in bench.calls() if isinstance(call.meta, Success)]
    ((pid, success),) = (each for each in successes if each[1].job.id == "success")

    assert success.tags == {"customer": "acme"}
    assert success.job.worker is not None
    assert success.job.worker.endswith(f":{pid}")
    assert "k-canary" not in repr(bench.calls())


@EVERY_KIND
def test_an_undisturbed_worker_ends_its_reporters(source: Source, kind: str, undisturbed: UndisturbedBench) -> None:
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


@every_kind_with("cold_shutdown")
def test_an_abrupt_end(source: Source, kind: str, make_bench: MakeBench) -> None:
    """A job that the worker's end interrupts is aborted for the shutdown, and nothing that was reported is lost."""
    bench = make_bench(source, kind)
    bench.send("success", "hold")
    bench.start()
    bench.wait_for_start("hold")
    bench.end(abruptly=True)
    bench.wait()

    assert bench.executions("success") == [SUCCEEDED]
    assert bench.executions("hold") == expected(source, kind, "cold_shutdown")
    assert bench.calls()[-1].hook == "reporter_stop"


@every_kind_with("warm_shutdown")
def test_a_graceful_end(source: Source, kind: str, make_bench: MakeBench) -> None:
    """A job that runs when the worker is asked to end is finished, and its success is reported."""
    bench = make_bench(source, kind)
    bench.send("hold", "success")
    bench.start()
    bench.wait_for_start("hold")
    bench.end(abruptly=False)
    bench.put("hold.release")

    assert bench.wait() == 0
    assert bench.executions("hold") == expected(source, kind, "warm_shutdown")
    assert bench.calls()[-1].hook == "reporter_stop"


@every_kind_with("replaced_workers")
def test_workers_that_are_replaced(source: Source, kind: str, make_bench: MakeBench) -> None:
    """Nothing is lost when each worker is replaced after one job, and each job is reported once."""
    bench = make_bench(source, kind)
    bench.send("success", "exception", "skipped")
    bench.start(max_jobs=1)
    bench.wait_for_stops({"success": 1, "exception": 1, "skipped": 1})
    bench.stop()

    assert bench.executions("success") == expected(source, kind, "replaced_workers")
    assert bench.executions("exception") == [FAILED]
    assert [call.hook for call in bench.calls()].count("handle_stopped") == 3


@every_kind_with("worker_killed")
def test_a_killed_worker(source: Source, kind: str, make_bench: MakeBench) -> None:
    """A worker that is killed takes the end of its job along; what it had reported before stays."""
    bench = make_bench(source, kind)
    bench.send("hold")
    bench.start()
    bench.wait_for_start("hold")
    bench.kill()

    assert bench.executions("hold") == expected(source, kind, "worker_killed")


@every_kind_with("child_killed")
def test_a_killed_child(source: Source, kind: str, make_bench: MakeBench) -> None:
    """The worker goes on with another process, and tells what became of the job if it knows."""
    bench = make_bench(source, kind)
    bench.send("hold")
    bench.start()
    bench.wait_for_start("hold")
    os.kill(bench.pid_of("hold"), signal.SIGKILL)
    bench.send("success")
    bench.wait_for_stops({"hold": len(expected(source, kind, "child_killed")[0]) // 3, "success": 1})
    bench.stop()

    assert bench.executions("hold") == expected(source, kind, "child_killed")
    assert bench.executions("success") == [SUCCEEDED]


@every_kind_with("revoked_running")
def test_a_job_revoked_while_it_runs(source: Source, kind: str, make_bench: MakeBench) -> None:
    """It is ended, and told once; the worker goes on."""
    bench = make_bench(source, kind)
    bench.send("hold")
    bench.start()
    bench.wait_for_start("hold")
    bench.revoke("hold")
    bench.wait_for_stops({"hold": 1})
    bench.send("success")
    bench.wait_for_stops({"success": 1})
    bench.stop()

    assert bench.executions("hold") == expected(source, kind, "revoked_running")
    assert bench.executions("success") == [SUCCEEDED]


@every_kind_with("concurrent")
def test_jobs_that_run_at_once(source: Source, kind: str, make_bench: MakeBench) -> None:
    """Each has its own execution, whichever ends first."""
    bench = make_bench(source, kind)
    bench.send("hold", "hold-too")
    bench.start(workers=2)
    bench.wait_for_start("hold")
    bench.wait_for_start("hold-too")
    bench.put("hold-too.release")
    bench.wait_for_stops({"hold-too": 1})
    bench.put("hold.release")
    bench.wait_for_stops({"hold": 1})
    bench.stop()

    assert bench.executions("hold") == expected(source, kind, "concurrent")
    assert bench.executions("hold-too") == expected(source, kind, "concurrent")


@every_kind_with("overlapping")
def test_attempts_that_overlap(source: Source, kind: str, make_bench: MakeBench) -> None:
    """One job is delivered twice, and both run at once: two executions, each with its own end."""
    bench = make_bench(source, kind)
    bench.send("hold", "hold")
    bench.start(workers=2)
    wait_for(lambda: bench.has("hold.entered2"), "both attempts run", bench.what_the_worker_said)
    bench.put("hold.release")
    bench.wait_for_stops({"hold": 2})
    bench.stop()

    assert bench.executions("hold") == expected(source, kind, "overlapping")


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
