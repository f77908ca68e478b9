"""Real workers of Dramatiq's, beyond what all sources have in common."""

from __future__ import annotations

import signal

import dramatiq_app
from conftest import MakeBench
from scenarios import SHUT_DOWN, SUCCEEDED
from workers import UNUSABLE


def test_a_config_that_cannot_be_used_ends_the_whole(make_bench: MakeBench) -> None:
    """One process that refuses to start takes Dramatiq down: no restarts, a failing exit status, no traceback."""
    bench = make_bench(dramatiq_app.Source(), "processes", config=UNUSABLE)
    bench.send("hold")
    bench.start(workers=2)

    assert bench.wait() == 1
    assert "key 'use': expected text" in bench.what_the_worker_said()
    assert "Traceback" not in bench.what_the_worker_said()
    assert not bench.has("hold.entered")


def test_jobs_that_outlast_the_shutdown(make_bench: MakeBench) -> None:
    """Asked to, a job is interrupted; past the timeout Dramatiq leaves a job without a word. Both are aborted."""
    bench = make_bench(dramatiq_app.Source("--worker-shutdown-timeout=300"), "threads")
    bench.send("success", "hold", "hold-until-shutdown")
    bench.start(workers=2)
    bench.wait_for_start("hold")
    bench.wait_for_start("hold-until-shutdown")
    bench.signal(signal.SIGTERM)

    assert bench.wait() == 0
    assert bench.executions("hold") == [SHUT_DOWN]
    assert bench.executions("hold-until-shutdown") == [SHUT_DOWN]
    assert bench.calls()[-1].hook == "reporter_stop"


def test_processes_that_are_spawned(make_bench: MakeBench) -> None:
    """They inherit nothing, and end in the same ways."""
    bench = make_bench(dramatiq_app.Source("--use-spawn"), "threads")
    bench.send("success", "hold")
    bench.start()
    bench.wait_for_start("hold")
    bench.end(abruptly=True)
    bench.wait()

    assert bench.executions("success") == [SUCCEEDED]
    assert bench.executions("hold") == [SHUT_DOWN]
    assert bench.calls()[-1].hook == "reporter_stop"
