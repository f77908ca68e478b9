"""Real consumers of Huey's, beyond what all sources have in common."""

from __future__ import annotations

import signal

import huey_app
from conftest import MakeBench
from huey_bench import KINDS
from scenarios import FAILED, SHUT_DOWN, SUCCEEDED
from workers import UNUSABLE, wait_for


@KINDS
def test_a_consumer_that_starts_anew(kind: str, make_bench: MakeBench) -> None:
    """On SIGHUP Huey executes itself in the same process, without atexit: what was reported before is not lost."""
    bench = make_bench(huey_app.Source(), kind)
    bench.send("success", "hold")
    bench.start()
    bench.wait_for_start("hold")
    bench.signal(signal.SIGHUP)
    bench.put("hold.release")
    bench.wait_for_stops({"hold": 1})
    bench.send("exception")
    bench.wait_for_stops({"exception": 1})
    bench.stop()
    hooks = [call.hook for call in bench.calls()]

    assert bench.executions("hold") == [SUCCEEDED]
    assert bench.executions("exception") == [FAILED]
    assert hooks.count("reporter_start") == hooks.count("reporter_stop") == 2


@KINDS
def test_a_job_that_ends_its_worker(kind: str, make_bench: MakeBench) -> None:
    """A job that exits, or returns what can't be stored, ends its execution; the jobs after it are reported as well."""
    bench = make_bench(huey_app.Source(), kind)
    bench.send("exit", "unstorable", "success")
    bench.start()
    bench.wait_for_stops({"exit": 1, "unstorable": 1, "success": 1})
    bench.stop()

    assert bench.executions("exit") == [SHUT_DOWN]
    assert bench.executions("unstorable") == [FAILED]
    assert bench.executions("success") == [SUCCEEDED]


@KINDS
def test_two_jobs_that_are_interrupted(kind: str, make_bench: MakeBench) -> None:
    """Each job that the consumer's end interrupts is told, also when a thread goes on for a moment."""
    bench = make_bench(huey_app.Source(), kind)
    bench.send("hold", "hold-too")
    bench.start(workers=2)
    bench.wait_for_start("hold")
    bench.wait_for_start("hold-too")
    bench.signal(signal.SIGTERM)
    bench.wait()

    assert bench.executions("hold") == [SHUT_DOWN]
    assert bench.executions("hold-too") == [SHUT_DOWN]


@KINDS
def test_a_consumer_made_by_hand_runs_no_job_with_a_bad_config(kind: str, make_bench: MakeBench) -> None:
    """Without ``create_consumer`` a worker's own start is the earliest place: it goes no further."""
    bench = make_bench(huey_app.Source(by_hand=True), kind, config=UNUSABLE)
    bench.send("hold")
    bench.start()
    wait_for(lambda: "died, restarting" in bench.what_the_worker_said(), "a worker died", bench.what_the_worker_said)
    bench.signal(signal.SIGTERM)
    bench.wait()

    assert "[reporters.recorder]" in bench.what_the_worker_said()
    assert not bench.has("hold.entered")


@KINDS
def test_a_consumer_made_by_hand_reports(kind: str, make_bench: MakeBench) -> None:
    """It reads the config when its workers start, and loses nothing at its end."""
    bench = make_bench(huey_app.Source(by_hand=True), kind)
    bench.send("success")
    bench.start(workers=2)
    bench.wait_for_stops({"success": 1})
    bench.stop()

    assert bench.executions("success") == [SUCCEEDED]
    assert bench.calls()[-1].hook == "reporter_stop"
