"""Several of Dramatiq's workers in one process: the reporters are there as long as one of them is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dramatiq
import pytest
from dramatiq import Worker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import AsyncIO
from dramatiq_bench import default_middleware
from in_jobs import RECORDS
from reported import use_config
from scenarios import SHUT_DOWN, SUCCEEDED, summary
from workers import CONFIG, PATIENCE

from jobreporter import JobReporterError
from jobreporter.sources.dramatiq import Reporting, attach
from jobreporter.testing import Call, read_calls


class Shop:
    """A broker that is attached by the config, with one job, which may be held."""

    def __init__(self) -> None:
        # Dramatiq's AsyncIO has room for one worker in a process, and forgets the event loops of others.
        self.broker = StubBroker([each for each in default_middleware() if not isinstance(each, AsyncIO)])
        attach(self.broker)
        self.entered, self.release = threading.Semaphore(0), threading.Event()

        @dramatiq.actor(broker=self.broker, max_retries=0)
        def work(hold: bool = False) -> None:
            if hold:
                self.entered.release()
                assert self.release.wait(PATIENCE)

        self.work: Any = work

    def do(self, number: int = 1) -> None:
        """Enqueue jobs and wait until somebody has done them."""
        for _ in range(number):
            self.work.send()
        self.broker.join("default", timeout=PATIENCE * 1000)


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    use_config(tmp_path, monkeypatch, CONFIG)
    return tmp_path / RECORDS


@contextmanager
def working(broker: Any) -> Iterator[Worker]:
    worker = Worker(broker, worker_timeout=10, worker_threads=1)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


def hooks(path: Path) -> list[str]:
    return [call.hook for call in read_calls(path)]


def story(calls: list[Call]) -> list[str]:
    return [summary(call.meta) for call in calls if call.meta is not None]


def test_the_others_go_on_when_one_worker_of_a_broker_ends(calls: Path) -> None:
    """What they do afterwards is reported, and the reporters stop with the last of them."""
    shop = Shop()
    with working(shop.broker):
        with working(shop.broker):
            shop.do()
        assert hooks(calls)[-1] == "reporter_flush"
        shop.do(5)

    assert story(read_calls(calls)) == [*SUCCEEDED] * 6
    assert hooks(calls).count("reporter_start") == hooks(calls).count("reporter_stop") == 1
    assert hooks(calls)[-1] == "reporter_stop"


def test_a_job_of_another_worker_is_not_shut_down(calls: Path) -> None:
    """Only what the ending worker's own threads hold is given up."""
    shop = Shop()
    with working(shop.broker):
        shop.work.send(True)
        assert shop.entered.acquire(timeout=PATIENCE)
        idle = Worker(shop.broker, worker_timeout=10, worker_threads=1)
        idle.start()
        idle.stop()
        shop.release.set()
        shop.broker.join("default", timeout=PATIENCE * 1000)

    assert story(read_calls(calls)) == list(SUCCEEDED)


def test_a_job_that_its_own_worker_leaves_behind_is_shut_down_alone(calls: Path) -> None:
    """The one that ends gives up its job after its time; the job of the other worker comes to its own end."""
    shop = Shop()
    with working(shop.broker):
        leaving = Worker(shop.broker, worker_timeout=10, worker_threads=1)
        leaving.start()
        for _ in range(2):
            shop.work.send(True)
            assert shop.entered.acquire(timeout=PATIENCE)
        leaving.stop(timeout=20)
        shop.release.set()
        shop.broker.join("default", timeout=PATIENCE * 1000)
    for thread in leaving.workers:
        thread.join(PATIENCE)

    outcomes = sorted(line for line in story(read_calls(calls)) if line != "started")
    assert outcomes == sorted([*SUCCEEDED[1:], *SHUT_DOWN[1:]])


def test_workers_of_two_brokers_share_the_reporters(calls: Path) -> None:
    """The config is the process's: its reporters start once, so a port of theirs is opened once."""
    first, second = Shop(), Shop()
    with working(second.broker):
        with working(first.broker):
            first.do()
        second.do()

    assert story(read_calls(calls)) == [*SUCCEEDED] * 2
    assert hooks(calls).count("reporter_start") == hooks(calls).count("reporter_stop") == 1


def test_workers_that_are_stopped_and_started_again(calls: Path) -> None:
    """After the last has ended, the next one begins anew; nothing is lost in between."""
    shop = Shop()
    for number in (1, 2, 3):
        with working(shop.broker), working(shop.broker):
            shop.do()
        assert story(read_calls(calls)) == [*SUCCEEDED] * number
        assert hooks(calls).count("reporter_start") == hooks(calls).count("reporter_stop") == number


def test_reporting_twice_is_refused_at_the_latest_when_a_worker_starts(calls: Path) -> None:
    """Dramatiq takes a middleware of one kind twice without a word, and every event would come twice."""
    shop = Shop()
    shop.broker.add_middleware(Reporting())
    worker = Worker(shop.broker)

    with pytest.raises(JobReporterError, match=r"attach\(\) was called twice for .*StubBroker"):
        worker.start()
    assert worker.workers == []
