"""What jobreporter must not do to Dramatiq's jobs and workers."""

from __future__ import annotations

import gc
import logging
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dramatiq
import pytest
from dramatiq import Worker
from dramatiq.brokers.stub import StubBroker
from dramatiq_bench import (
    Bench,
    ByHand,
    attach_by_config,
    bench_of,
    default_middleware,
)
from in_jobs import RECORDS
from reported import bug, recording, times_logged, use_config
from scenarios import SHUT_DOWN, SUCCEEDED, ran
from workers import CONFIG, PATIENCE, UNUSABLE

from jobreporter import Abort, ConfigError, Dispatcher, Execution, JobReporterError
from jobreporter.sources.dramatiq import Reporting, attach
from jobreporter.testing import read_calls


def test_an_error_of_ours_is_logged_once_and_harms_no_job(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Jobs run as if nobody watched, and one that gives up is still not tried again."""
    ran_jobs: list[int] = []

    @bench.actor(max_retries=3)
    def work(number: int) -> None:
        ran_jobs.append(number)
        raise Abort("skipped")

    monkeypatch.setattr(bench.dispatcher, "resume", bug)
    for number in range(3):
        work.send(number)
    bench.work()

    assert sorted(ran_jobs) == [0, 1, 2]
    assert bench.broker.dead_letters == []
    assert [record for record in caplog.records if record.levelno > logging.ERROR] == []


def test_what_a_failed_job_had_is_free_when_it_is_acknowledged(bench: Bench) -> None:
    """Dramatiq takes care that no cycle keeps the error's frames until the garbage is collected, and so does this."""
    held: list[weakref.ref[Any]] = []

    @bench.actor(max_retries=1)
    def ask() -> None:
        big = type("Big", (), {})()
        held.append(weakref.ref(big))
        raise dramatiq.Retry

    by_hand = ByHand(bench)
    ask.send()
    gc.disable()
    try:
        by_hand.process()
        assert [ref() for ref in held] == [None]
    finally:
        gc.enable()


def test_an_execution_ends_whatever_goes_wrong_at_its_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """If even its outcome can't be noted, it has stopped, for a reason that is unknown."""

    @bench.actor
    def fail() -> None:
        raise RuntimeError

    monkeypatch.setattr(Execution, "fail", bug)
    fail.send()
    bench.work()

    assert bench.story == list(ran("aborted unknown"))


def test_jobs_run_where_nothing_can_be_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Driven by hand there is no worker's start to refuse: a config that can't be used is logged, once."""
    use_config(tmp_path, monkeypatch, UNUSABLE)
    ran_jobs: list[int] = []
    with bench_of(default_middleware(), attach_by_config) as bench:

        @bench.actor(max_retries=3)
        def work(number: int) -> None:
            ran_jobs.append(number)
            raise Abort("skipped")

        by_hand = ByHand(bench)
        for number in range(3):
            work.send(number)
            by_hand.process()
        by_hand.shut_down()

    assert ran_jobs == [0, 1, 2]
    assert bench.broker.dead_letters == []
    assert times_logged(caplog, "[reporters.recorder]") == 1


def test_a_worker_of_the_programs_own_raises_the_config_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any of its threads is there; once the config is right, a worker starts."""
    use_config(tmp_path, monkeypatch, UNUSABLE)
    broker = StubBroker(default_middleware())
    attach(broker)
    worker = Worker(broker)

    with pytest.raises(ConfigError, match=r"\[reporters.recorder\]"):
        worker.start()
    assert (worker.workers, worker.consumers) == ([], {})

    use_config(tmp_path, monkeypatch, "[reporters.log]\n")
    worker.start()
    worker.stop()


def test_each_worker_of_a_process_has_reporters_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one worker reported is delivered when it has stopped; the next starts afresh."""
    use_config(tmp_path, monkeypatch, CONFIG)
    with bench_of(default_middleware(), attach_by_config) as bench:

        @bench.actor
        def work() -> None: ...

        for number in (1, 2):
            work.send()
            bench.work()
            hooks = [call.hook for call in read_calls(tmp_path / RECORDS)]
            assert hooks.count("handle_stopped") == hooks.count("reporter_stop") == number
            assert hooks[-1] == "reporter_stop"


def test_a_job_that_goes_on_after_its_workers_end_is_told_once(bench: Bench) -> None:
    """Past the timeout a thread goes on, if the process does. What it comes to in the end changes nothing."""
    entered, release = threading.Event(), threading.Event()

    @bench.actor
    def hold() -> None:
        entered.set()
        release.wait(PATIENCE)

    worker = Worker(bench.broker, worker_timeout=10, worker_threads=1)
    worker.start()
    hold.send()
    assert entered.wait(PATIENCE)
    worker.stop(timeout=20)
    release.set()
    for thread in worker.workers:
        thread.join(PATIENCE)

    assert bench.story == list(SHUT_DOWN)


def test_attaching_twice_is_refused(bench: Bench) -> None:
    """Every event would come twice, so the sentence says so."""
    with pytest.raises(JobReporterError, match=r"attach\(\) was called twice for .*StubBroker"):
        attach(bench.broker)


def add_as_dramatiq_1(broker: Any, dispatcher: Dispatcher) -> None:
    """It tells a new middleware the names of the actors that are there, not the actors."""
    reporting = Reporting(dispatcher)
    broker.middleware.insert(0, reporting)
    for name in broker.get_declared_actors():
        reporting.after_declare_actor(broker, name)


@pytest.mark.parametrize("switch_on", [attach, add_as_dramatiq_1])
def test_actors_from_before_are_reported_too(switch_on: Callable[[Any, Dispatcher], None]) -> None:
    """It doesn't matter whether the actors or the middleware come first."""
    broker = StubBroker(default_middleware())

    @dramatiq.actor(broker=broker)
    def work() -> None: ...

    with recording() as (dispatcher, events):
        switch_on(broker, dispatcher)
        work.send()
        bench = Bench(broker, dispatcher, events)
        bench.work()

        assert isinstance(broker.middleware[0], Reporting)
        assert bench.story == list(SUCCEEDED)
