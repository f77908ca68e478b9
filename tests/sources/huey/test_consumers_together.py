"""Several of Huey's consumers in one process: the reporters are there as long as one of them is."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from huey import MemoryHuey
from huey.consumer import Consumer
from in_jobs import RECORDS
from reported import use_config
from scenarios import SHUT_DOWN, SUCCEEDED, summary
from workers import CONFIG, PATIENCE, wait_for

from jobreporter.sources.huey import attach
from jobreporter.testing import read_calls

QUICK = {"initial_delay": 0.01, "max_delay": 0.01, "periodic": False, "check_worker_health": False}


class Shop:
    """A Huey that is attached by the config, with one job, which may be held."""

    def __init__(self) -> None:
        self.huey = MemoryHuey("shop")
        attach(self.huey)
        self.entered, self.release = threading.Semaphore(0), threading.Event()

        @self.huey.task()
        def work(hold: bool = False) -> int:
            if hold:
                self.entered.release()
                assert self.release.wait(PATIENCE)
            return 42

        self.work: Any = work

    @contextmanager
    def working(self, make: Callable[..., Any] | None = None) -> Iterator[Any]:
        """A consumer, from its start to the last that it does. make: what makes it."""
        consumer = (make or self.huey.create_consumer)(**QUICK)
        consumer.start()
        try:
            yield consumer
        finally:
            consumer.stop(graceful=True)
            self.huey.notify_interrupted_tasks()  # as ``run`` does after that

    def do(self, number: int = 1) -> None:
        """Enqueue jobs and wait until somebody has done them."""
        for result in [self.work() for _ in range(number)]:
            assert result.get(blocking=True, timeout=PATIENCE) == 42


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    use_config(tmp_path, monkeypatch, CONFIG)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    former = [signal.getsignal(number) for number in numbers]
    yield tmp_path / RECORDS
    for number, action in zip(numbers, former, strict=True):  # a consumer catches them
        signal.signal(number, action)


def hooks(path: Path) -> list[str]:
    return [call.hook for call in read_calls(path)]


def story(path: Path) -> list[str]:
    return [summary(call.meta) for call in read_calls(path) if call.meta is not None]


def by_hand(shop: Shop) -> Callable[..., Any]:
    return lambda **options: Consumer(shop.huey, **options)


@pytest.mark.parametrize("first", [by_hand, lambda _: None], ids=["by hand", "created"])
@pytest.mark.parametrize("second", [by_hand, lambda _: None], ids=["by hand", "created"])
def test_the_others_go_on_when_one_consumer_ends(calls: Path, first: Any, second: Any) -> None:
    """However they were made: what the other does is reported, and the reporters stop with the last of them."""
    shop = Shop()
    with shop.working(first(shop)):
        with shop.working(second(shop)):
            shop.do()
        assert "reporter_stop" not in hooks(calls)
        shop.do(5)

    assert story(calls) == [*SUCCEEDED] * 6
    assert hooks(calls).count("reporter_start") == hooks(calls).count("reporter_stop") == 1
    assert hooks(calls)[-1] == "reporter_stop"


def test_a_job_of_another_consumer_is_not_shut_down(calls: Path) -> None:
    """Huey says of all that runs in the process that it was interrupted; a job whose own consumer goes on was not."""
    shop = Shop()
    with shop.working():
        held = shop.work(True)
        assert shop.entered.acquire(timeout=PATIENCE)
        with shop.working():
            pass
        shop.release.set()
        assert held.get(blocking=True, timeout=PATIENCE) == 42

    assert story(calls) == list(SUCCEEDED)


def test_a_job_whose_own_consumer_ends_at_once_is_shut_down_alone(calls: Path) -> None:
    """The other one's job, which runs beside it, comes to its own end."""
    shop = Shop()
    with shop.working():
        leaving = shop.huey.create_consumer(**QUICK)
        leaving.start()
        for _ in range(2):
            shop.work(True)
            assert shop.entered.acquire(timeout=PATIENCE)
        leaving.stop()
        shop.huey.notify_interrupted_tasks()
        shop.release.set()
        wait_for(
            lambda: story(calls).count("stopped success") == 1, "the other job stopped", lambda: repr(story(calls))
        )

    outcomes = sorted(line for line in story(calls) if line != "started")
    assert outcomes == sorted([*SUCCEEDED[1:], *SHUT_DOWN[1:]])


def test_consumers_of_two_hueys_share_the_reporters(calls: Path) -> None:
    """The config is the process's: its reporters start once, so a port of theirs is opened once."""
    first, second = Shop(), Shop()
    with second.working():
        with first.working():
            first.do()
        second.do()

    assert story(calls) == [*SUCCEEDED] * 2
    assert hooks(calls).count("reporter_start") == hooks(calls).count("reporter_stop") == 1


@pytest.mark.parametrize("make", [by_hand, lambda _: None], ids=["by hand", "created"])
def test_consumers_that_are_stopped_and_started_again(calls: Path, make: Any) -> None:
    """After the last has ended, the next one begins anew; nothing is lost in between."""
    shop = Shop()
    for number in (1, 2, 3):
        with shop.working(make(shop)):
            shop.do()
        assert story(calls) == [*SUCCEEDED] * number
        assert hooks(calls).count("reporter_start") == hooks(calls).count("reporter_stop") == number


def test_a_consumer_that_was_made_and_never_started_keeps_nothing_open(calls: Path) -> None:
    """It uses no reporter, though it is there; started later, it has reporters all the same."""
    shop = Shop()
    late = shop.huey.create_consumer(**QUICK)
    with shop.working():
        shop.do()
    assert hooks(calls)[-1] == "reporter_stop"
    late.start()
    shop.do()
    late.stop(graceful=True)
    shop.huey.notify_interrupted_tasks()

    assert story(calls) == [*SUCCEEDED] * 2
    assert hooks(calls)[-1] == "reporter_stop"
