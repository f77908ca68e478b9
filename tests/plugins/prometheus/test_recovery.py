"""A directory that somebody empties, removes or replaces while processes share it."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobreporter import BrokenReporter
from jobreporter.testing import make_event
from jobreporter_prometheus import PrometheusOptions, PrometheusReporter
from tests.ports import free_port

from .helping import make_context, number, page_of, port_of, started, tell
from .processes import Process, finished, names

FINISHED = "jobreporter_jobs_finished_total"


def empty(path: Path) -> None:
    """As a cleaner of temporary files does."""
    for each in path.iterdir():
        each.unlink()


def remove(path: Path) -> None:
    """As a deployment does that begins with a fresh folder."""
    shutil.rmtree(path)


def replace(path: Path) -> None:
    """As a volume that is mounted over it does."""
    path.rename(path.parent / "former")
    path.mkdir()


def remove_with_parent(path: Path) -> None:
    """As systemd does with a RuntimeDirectory when another unit that has it stops."""
    shutil.rmtree(path.parent)


def only(pattern: str) -> Callable[[Path], None]:
    """Remove some of the files."""

    def remove(path: Path) -> None:
        for each in path.glob(pattern):
            each.unlink()

    remove.__name__ = f"only {pattern}"
    return remove


LOSSES = [empty, remove, replace, remove_with_parent, only("*.live"), only("*.json"), only("port-*")]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory in a folder of its own."""
    path = tmp_path / "run" / "metrics"
    path.mkdir(parents=True)
    return path


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_a_process_comes_back_by_itself(loss: Callable[[Path], None], place: Path) -> None:
    """At its next tick a process is visible with all that it has counted, counts on, and nothing counts twice."""
    process = Process(place)
    process.finish()
    process.member.write()
    loss(place)
    process.member.write()
    other = Process(place)
    assert finished(other.member.read()) == 1
    process.finish()
    process.member.leave()
    assert finished(other.member.read()) == 2
    other.member.leave()
    assert finished(Process(place).member.read()) == 2
    assert len(names(place)) == 3


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_a_process_that_comes_meanwhile_is_not_broken(loss: Callable[[Path], None], place: Path) -> None:
    """A process that starts before the one that serves has noticed takes its place beside it, and both are on the page."""
    options = PrometheusOptions(mode="multiprocess", directory=str(place), port=free_port())
    with started(options) as first:
        tell(first, make_event("success"))
        first.reporter_flush()
        loss(place)
        with started(options) as second:
            tell(second, make_event("success"))
            second.reporter_flush()
            for reporter in (first, second):
                reporter.reporter_tick()
            assert number(page_of(first), FINISHED, outcome="success") == 2
            first.reporter_stop()
            second.reporter_tick()
            assert port_of(second) == options.port
            assert number(page_of(second), FINISHED, outcome="success") == 2


def test_a_scrape_right_after_it_has_the_process_that_serves(place: Path) -> None:
    """Also before its next tick."""
    options = PrometheusOptions(mode="multiprocess", directory=str(place), port=free_port())
    with started(options) as reporter:
        tell(reporter, make_event("success"))
        remove(place)
        assert number(page_of(reporter), FINISHED, outcome="success") == 1


def test_the_loss_is_told_once(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An operator hears that the files are gone, since what ended processes counted is gone with them."""
    process = Process(place)
    for turn in (1, 2):
        empty(place)
        for _ in range(3):
            process.member.write()
        assert caplog.text.count(f"the files of this process in {place} were removed, and are written anew") == turn


def test_another_directory_at_the_same_port_is_another_program(place: Path) -> None:
    """Two applications can't share a port: the second one's start says so, and does not take the first for its own."""
    options = PrometheusOptions(mode="multiprocess", directory=str(place), port=free_port())
    other = PrometheusOptions(mode="multiprocess", directory=str(place.parent / "other"), port=options.port)
    with started(options), pytest.raises(BrokenReporter, match="is in use by another program: set another port"):
        PrometheusReporter().reporter_start(other, make_context())


def test_a_port_that_is_lost_to_another_program_is_told_once(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A process that can't take over says so, goes on counting, and takes over when it can."""
    options = PrometheusOptions(mode="multiprocess", directory=str(place), port=free_port())
    with started(options) as first, started(options) as second:
        tell(second, make_event("success"))
        turn: Any = first.outlet
        turn.turn.give_up()
        with socket.create_server(("127.0.0.1", options.port)):
            for _ in range(3):
                second.reporter_tick()
        assert caplog.text.count(f"port {options.port} of 127.0.0.1 is in use by another program") == 1
        second.reporter_tick()
        assert number(page_of(second), FINISHED, outcome="success") == 1
        assert caplog.text.count("the figures leave again") == 1
