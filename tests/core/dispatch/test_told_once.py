"""A reporter that can't start in any of a worker's processes: one of them tells it for all."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobreporter import Dispatcher, hookimpl
from jobreporter._system.said import Said
from tests.core.dispatch.test_fork import in_child
from tests.waiting import until

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """What all processes have logged."""
    path = tmp_path / "log"
    handler = logging.FileHandler(path)
    logger = logging.getLogger("jobreporter")
    logger.addHandler(handler)
    yield path
    logger.removeHandler(handler)
    handler.close()


def refused_with(reason: str) -> Any:
    class Refused:
        @hookimpl
        def reporter_start(self) -> None:
            raise ConnectionError(reason)

        @hookimpl
        def handle_success(self) -> None: ...

    return Refused()


def start_in_children(dispatcher: Dispatcher, count: int = 3) -> None:
    def start() -> None:
        dispatcher.start()
        until(lambda: all(lane.status == "broken" for lane in dispatcher.stats().values()))
        assert dispatcher.close(15)

    for _ in range(count):
        in_child(start)


def test_a_reporter_that_no_child_can_start_is_told_once(log: Path) -> None:
    """Each of them, since what is wrong with it is no other's; by whichever child is the first."""
    reporters = {"one": refused_with("the key is refused"), "two": refused_with("the port is in use")}
    dispatcher = Dispatcher(reporters)
    dispatcher.announce("celery")
    start_in_children(dispatcher)
    told = [line for line in log.read_text().splitlines() if " is broken: " in line]

    assert [" ".join(line.split()[:2]) for line in sorted(told)] == ["reporter 'one'", "reporter 'two'"]
    assert dispatcher.close(15)


def test_another_reason_is_told_too(log: Path, tmp_path: Path) -> None:
    """What one child has said of the vendor says nothing of what the next one finds."""
    turn = tmp_path / "turn"

    class Moody:
        @hookimpl
        def reporter_start(self) -> None:
            with turn.open("a") as file:
                file.write("x")
            raise ConnectionError(f"refused for the {'first' if turn.stat().st_size == 1 else 'second'} reason")

        @hookimpl
        def handle_success(self) -> None: ...

    dispatcher = Dispatcher({"moody": Moody()})
    dispatcher.announce("celery")
    start_in_children(dispatcher)
    told = [line for line in log.read_text().splitlines() if " is broken: " in line]

    assert ["first" in line for line in told] == [True, False]
    assert dispatcher.close(15)


def test_it_is_told_again_when_it_is_time() -> None:
    """Not before, whichever process it is; a clock that was begun anew keeps nothing back."""
    said = Said()
    assert not said.lately("refused", 100.0, 30.0)
    in_child(lambda: os._exit(0 if said.lately("refused", 129.0, 30.0) else 1))
    assert not said.lately("refused", 130.0, 30.0)
    assert said.lately("refused", 159.0, 30.0)
    assert not said.lately("refused", 5.0, 30.0)
