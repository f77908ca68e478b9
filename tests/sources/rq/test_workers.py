"""RQ's workers, from start to end."""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import rq
import rq_app
from conftest import MakeBench
from redis import Redis
from reported import use_config
from rq.worker import HerokuWorker
from rq_bench import (
    LOST,
    Bench,
    charge,
    die,
)
from scenarios import SUCCEEDED, ran
from suites import RqFork
from workers import UNUSABLE, wait_for

from jobreporter import ConfigError, JobReporterError
from jobreporter.sources.rq import Queue, SimpleWorker, SpawnWorker, Worker


@pytest.mark.parametrize("kind", [Worker, SimpleWorker, SpawnWorker])
def test_a_worker_with_an_unusable_config_does_not_start(
    kind: Any, connection: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It isn't even registered, and takes no job."""
    use_config(tmp_path, monkeypatch, UNUSABLE)
    queue = Queue("desk", connection=connection)
    queue.enqueue(charge, "acme", "k")
    with pytest.raises(ConfigError, match=r"\[reporters\.recorder\]"):
        kind([queue], connection=connection).work(burst=True)

    assert queue.count == 1
    assert rq.Worker.all(connection) == []


REFUSED = """
from jobreporter import hookimpl

class Refused:
    @hookimpl
    def reporter_start(self):
        raise ConnectionError("the key is refused")

    @hookimpl
    def handle_success(self): ...
"""


def test_a_reporter_that_no_horse_can_start_is_told_once(
    connection: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not by the horse of each job."""
    use_config(tmp_path, monkeypatch, '[reporters.refused]\nuse = "refused_at_start:Refused"\n')
    (tmp_path / "refused_at_start.py").write_text(REFUSED)
    handler = logging.FileHandler(tmp_path / "log")
    logging.getLogger("jobreporter").addHandler(handler)
    queue = Queue("desk", connection=connection)
    for _ in range(3):
        queue.enqueue(charge, "acme", "k")
    try:
        Worker([queue], connection=connection).work(burst=True, logging_level="WARNING")
    finally:
        logging.getLogger("jobreporter").removeHandler(handler)
        handler.close()

    assert (tmp_path / "log").read_text().count(
        "reporter 'refused' is broken: ConnectionError: the key is refused"
    ) == 1


class Heroku(Worker, HerokuWorker):
    """A class that RQ or a user has written, with ours before it."""


def test_another_class_of_worker_reports_with_ours_before_it(stable: Bench) -> None:
    """On either side of its forks."""
    stable.worker = Heroku(["desk"], connection=stable.connection)
    stable.enqueue(str)
    stable.enqueue(die)
    stable.work()

    assert stable.story == [*SUCCEEDED, *LOST]


def test_workers_that_spawn(make_bench: MakeBench) -> None:
    """A new Python for each job tells the same; the worker tells of those that are killed or stopped."""
    source = rq_app.Source("spawn")
    names = ["success", "timeout"]
    bench = make_bench(source, "spawn")
    bench.send(*names)
    bench.start()
    bench.wait_for_stops({name: len(RqFork.expected(name)) for name in names})
    bench.send("hold")
    bench.wait_for_start("hold")
    os.kill(bench.pid_of("hold"), signal.SIGKILL)
    bench.wait_for_stops({"hold": 1})
    bench.send("hold-too")
    bench.wait_for_start("hold-too")
    bench.revoke("hold-too")
    bench.wait_for_stops({"hold-too": 1})
    bench.stop()

    assert [bench.executions(name) for name in names] == [RqFork.expected(name) for name in names]
    assert bench.executions("hold") == [LOST]
    assert bench.executions("hold-too") == [ran("aborted revoked")]


def test_a_spawned_horse_reads_the_config_by_itself(make_bench: MakeBench) -> None:
    """One that can't be used by then is logged, and the job runs without reports."""
    bench = make_bench(rq_app.Source("spawn"), "spawn")
    bench.send("success")
    bench.start()
    bench.wait_for_stops({"success": 1})
    (bench.folder / "jobreporter.toml").write_text(UNUSABLE)
    bench.send("hold")
    wait_for(lambda: bench.has("hold.entered"), "it runs", bench.what_the_worker_said)
    bench.put("hold.release")
    bench.stop()

    assert bench.executions("hold") == []
    assert "jobs run without reports" in bench.what_the_worker_said()


def test_a_spawn_worker_needs_rq_3(connection: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before that, its horses were RQ's own workers, and told nothing."""
    monkeypatch.setattr("jobreporter.sources.rq.found", (2, 12))
    with pytest.raises(JobReporterError, match=r"SpawnWorker needs RQ 3\.0 or newer"):
        SpawnWorker(["desk"], connection=connection).work(burst=True)
