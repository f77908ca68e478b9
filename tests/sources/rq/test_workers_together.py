"""Several of RQ's workers in one process: the reporters are there as long as one of them is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import rq
from in_jobs import RECORDS
from redis import Redis
from reported import use_config
from rq_bench import ACTS, act
from scenarios import SUCCEEDED, summary
from workers import CONFIG

from jobreporter.sources.rq import Queue, SimpleWorker, Worker, is_attached
from jobreporter.testing import Call, read_calls


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    use_config(tmp_path, monkeypatch, CONFIG)
    return tmp_path / RECORDS


def hooks(path: Path) -> list[str]:
    return [call.hook for call in read_calls(path)]


def story(calls: list[Call]) -> list[str]:
    return [summary(call.meta) for call in calls if call.meta is not None]


def enqueue(connection: Redis, what: Any, name: str = "desk") -> None:
    number = len(ACTS)
    ACTS[number] = what
    Queue(name, connection=connection).enqueue(act, number)


def work(connection: Redis, name: str = "desk", kind: Any = SimpleWorker) -> None:
    """A worker that ends when nothing is left in its queue."""
    kind([name], connection=connection).work(burst=True, logging_level="WARNING")


@pytest.mark.parametrize("kind", [SimpleWorker, Worker])
def test_workers_that_are_started_again(connection: Redis, calls: Path, kind: Any) -> None:
    """After one has ended, the next one begins anew; nothing is lost in between, and nothing is told twice."""
    for number in (1, 2, 3):
        enqueue(connection, lambda: None)
        work(connection, kind=kind)
        assert story(read_calls(calls)) == [*SUCCEEDED] * number
        assert hooks(calls).count("reporter_start") == hooks(calls).count("reporter_stop") == number


def test_one_worker_that_works_again(connection: Redis, calls: Path) -> None:
    """The same object: RQ lets it, as those do who call it from a schedule of their own."""
    worker = SimpleWorker(["desk"], connection=connection)
    for number in (1, 2, 3):
        enqueue(connection, lambda: None)
        worker.work(burst=True, logging_level="WARNING")
        assert story(read_calls(calls)) == [*SUCCEEDED] * number
        assert hooks(calls).count("reporter_start") == hooks(calls).count("reporter_stop") == number


def test_the_other_goes_on_when_one_worker_ends(connection: Redis, calls: Path) -> None:
    """A job may be a worker too, of another queue. They share the reporters, which stop with the last of them."""
    enqueue(connection, lambda: None, "inner")
    enqueue(connection, lambda: work(connection, "inner"))
    enqueue(connection, lambda: None)
    work(connection)

    assert story(read_calls(calls)) == ["started", *SUCCEEDED, *SUCCEEDED[1:], *SUCCEEDED]
    assert hooks(calls).count("reporter_start") == hooks(calls).count("reporter_stop") == 1
    assert hooks(calls)[-1] == "reporter_stop"


def test_a_worker_of_rq_s_own_reports_nothing_beside_ours(connection: Redis, calls: Path) -> None:
    """Nothing of RQ's is changed: a process may have both."""
    enqueue(connection, lambda: None, "theirs")
    work(connection, "theirs", rq.SimpleWorker)
    assert not calls.exists()
    enqueue(connection, lambda: None)
    work(connection)

    assert story(read_calls(calls)) == list(SUCCEEDED)


def test_ours_before_ours_reports_once(connection: Redis, calls: Path) -> None:
    """A class that names ours twice, by itself and by what it inherits from, has it once."""

    class Own(SimpleWorker):
        """One of the program's own."""

    class Both(Own, SimpleWorker):
        """It is attached by either."""

    enqueue(connection, lambda: None)
    work(connection, kind=Both)

    assert is_attached(Both)
    assert story(read_calls(calls)) == list(SUCCEEDED)
