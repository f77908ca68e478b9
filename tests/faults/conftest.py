"""Real workers of real job queues: the benches of the sources' tests, whose workers find the kit's own modules too."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobreporter._system import log_aside
from jobreporter._system.aside import Aside

# Loading it puts its folder on the path, so that tests can name the job queues as the workers do: ``rq_app``.
from tests.sources.conftest import Bench, NewQueue, Source, new_queue

__all__ = ["new_queue"]

#: Modules that workers import by their bare names: reporters, and applications of a particular kind.
IN_WORKERS = Path(__file__).with_name("in_workers")


class KitBench(Bench):
    """A bench whose worker finds what is in the folder `IN_WORKERS`."""

    def _environment(self) -> dict[str, str]:
        environment = super()._environment()
        return environment | {"PYTHONPATH": f"{environment['PYTHONPATH']}{os.pathsep}{IN_WORKERS}"}

    def tellers(self) -> set[tuple[str, int, int]]:
        """Of each job, by its id, the process that ran it and the one that told of it."""
        calls = [(call.job, call.pid) for call in self.calls() if call.job is not None]
        return {(job.id, int(str(job.worker).rpartition(":")[2]), pid) for job, pid in calls}


#: Of a queue, a kind of worker and a config.
BenchOf = Callable[[Source, str, str], KitBench]


@pytest.fixture
def bench_of(tmp_path: Path, new_queue: NewQueue) -> Iterator[BenchOf]:
    """Makes the bench of a test, and ends its worker with the test."""
    benches: list[KitBench] = []

    def make(source: Source, kind: str, config: str) -> KitBench:
        benches.append(KitBench(source, kind, tmp_path, new_queue(source, tmp_path), config))
        return benches[-1]

    yield make
    for bench in benches:
        bench.kill()


@pytest.fixture
def log_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread that another test has left behind is at hand for a line."""
    monkeypatch.setattr(log_aside, "LOG", Aside("log"))
