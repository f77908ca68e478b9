"""Row 29: the process forks while a reporter's thread holds a lock that no child can renew: of a file, of an import, in C."""

from __future__ import annotations

import importlib
import io
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobreporter import Dispatcher, hookimpl
from jobreporter._system import fork_and_exit
from jobreporter._system.aside import LOG
from jobreporter._system.gate import GATE
from jobreporter.testing import make_event
from tests.core.dispatch.test_fork import in_child
from tests.waiting import arrives, until

# Forking a process that has threads is what this file is about; newer versions of Python warn of it.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


class SlowFile(io.RawIOBase):
    """Takes until it may go on to write anything, on a reporter's thread. A buffered writer holds its lock meanwhile."""

    def __init__(self) -> None:
        self.inside, self.go_on = threading.Event(), threading.Event()
        self.written = b""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        if threading.current_thread().name.startswith("jobreporter-"):
            self.inside.set()
            self.go_on.wait()
        self.written += bytes(data)  # type: ignore[call-overload]  # it is a buffer
        return len(bytes(data))  # type: ignore[call-overload]


@pytest.fixture
def slow_log() -> Iterator[SlowFile]:
    """What the program's log is written to."""
    file = SlowFile()
    handler, logger = logging.StreamHandler(io.TextIOWrapper(io.BufferedWriter(file))), logging.getLogger("program")
    logger.addHandler(handler)
    yield file
    file.go_on.set()
    logger.removeHandler(handler)


class Writing:
    """Writes each event into the program's log, and flushes nothing."""

    @hookimpl
    def handle_started(self) -> None:
        logging.getLogger("program").warning("started")


def when_a_fork_waits(act: Callable[[], object]) -> threading.Thread:
    """Act once another thread is about to fork, and waits for the reporters to come to rest."""

    def wait() -> None:
        until(lambda: GATE.closed, "a fork")
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def log_a_line() -> None:
    logging.getLogger("program").warning("of the child")


def test_a_lane_inside_a_write(slow_log: SlowFile) -> None:
    """The fork waits until the line is written, so the child's first line is written too."""
    dispatcher = Dispatcher({"writing": Writing})
    dispatcher.publish(make_event("started"))
    arrives(slow_log.inside)
    helper = when_a_fork_waits(slow_log.go_on.set)
    in_child(log_a_line)
    helper.join()
    assert dispatcher.close(20)
    assert slow_log.written == b"started\n"


def test_a_line_of_our_own_inside_a_write(slow_log: SlowFile) -> None:
    """The same for the thread that logs for a flush or a close."""
    LOG.do(log_a_line, 0)
    arrives(slow_log.inside)
    helper = when_a_fork_waits(slow_log.go_on.set)
    in_child(log_a_line)
    helper.join()


def test_an_async_reporter_that_writes_in_the_background(slow_log: SlowFile) -> None:
    """And for what an event loop runs between two hooks, where its thread seems to wait."""

    class Ticking:
        @hookimpl
        async def reporter_start(self) -> object:
            import asyncio

            return asyncio.get_running_loop().call_later(0.001, log_a_line)

        @hookimpl
        async def handle_started(self) -> None: ...

    dispatcher = Dispatcher({"ticking": Ticking})
    dispatcher.start()
    arrives(slow_log.inside)
    helper = when_a_fork_waits(slow_log.go_on.set)
    in_child(log_a_line)
    helper.join()
    assert dispatcher.close(20)


MODULE = """
import threading
import slowly_imported_by
slowly_imported_by.inside.set()
slowly_imported_by.go_on.wait()
"""


def test_a_lane_inside_an_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reporter that imports its vendor's library as it starts: a child may import it as well."""
    name = "imported_slowly"
    (tmp_path / f"{name}.py").write_text(MODULE)
    (tmp_path / "slowly_imported_by.py").write_text(
        "import threading\ninside, go_on = threading.Event(), threading.Event()"
    )
    monkeypatch.syspath_prepend(tmp_path)
    gate = importlib.import_module("slowly_imported_by")

    class Importing:
        @hookimpl
        def reporter_start(self) -> object:
            return importlib.import_module(name)

        @hookimpl
        def handle_started(self) -> None: ...

    dispatcher = Dispatcher({"importing": Importing})
    dispatcher.start()
    arrives(gate.inside)
    helper = when_a_fork_waits(gate.go_on.set)
    in_child(lambda: importlib.import_module(name))
    helper.join()
    assert dispatcher.close(20)
    for module in (name, "slowly_imported_by"):
        del sys.modules[module]


class Hanging:
    """Hangs in every hook until it is released."""

    def __init__(self) -> None:
        self.hung, self.release = threading.Event(), threading.Event()

    @hookimpl
    def handle_started(self) -> None:
        self.hung.set()
        self.release.wait()


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    """A dispatcher's reporter, which hangs already."""
    reporter = Hanging()
    dispatcher = Dispatcher({"hanging": reporter})
    dispatcher.publish(make_event("started"))
    arrives(reporter.hung)
    yield reporter
    reporter.release.set()
    assert dispatcher.close(20)


def forked_in() -> float:
    """For how long a fork takes, in seconds."""
    begun = time.monotonic()
    in_child(lambda: None)
    return time.monotonic() - begun


@pytest.mark.usefixtures("hanging")
def test_a_lane_that_hangs_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork waits half a second at most, and the next one not at all for a reporter that has done nothing since."""
    monkeypatch.setattr(fork_and_exit, "PATIENCE", 2.0)
    first = forked_in()
    assert first >= 2
    assert first < 10
    assert min(forked_in() for _ in range(3)) < 1
    assert not GATE.closed


@pytest.mark.usefixtures("hanging")
def test_a_signal_handler_that_forks_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has interrupted may hold the very lock that a reporter waits for."""
    monkeypatch.setattr(fork_and_exit, "PATIENCE", 30.0)
    took: list[float] = []
    before = signal.signal(signal.SIGUSR1, lambda *_: took.append(forked_in()))
    try:
        signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert took[0] < 20


def test_a_reporter_that_forks_waits_for_no_one() -> None:
    """Not for itself, and two that do it at once not for each other for long."""
    done: list[float] = []

    class Forking:
        @hookimpl
        def handle_started(self) -> None:
            done.append(forked_in())

    dispatcher = Dispatcher({"one": Forking, "two": Forking})
    for _ in range(3):
        dispatcher.publish(make_event("started"))
    assert dispatcher.close(60)
    assert len(done) == 6


PROGRAM = """
import logging, os, signal, sys
logging.basicConfig(filename=sys.argv[1], level="INFO")
from jobreporter import Dispatcher
from jobreporter.reporters.log import LogReporter
from jobreporter.testing import make_event

dispatcher = Dispatcher({"log": LogReporter})
stuck = 0
for number in range(100):
    for _ in range(20):
        dispatcher.publish(make_event("success"))
    pid = os.fork()
    if pid == 0:
        signal.alarm(10)
        logging.getLogger("program").info("child %d", number)
        os._exit(0)
    stuck += os.waitpid(pid, 0)[1] != 0
dispatcher.close(20)
print("stuck:", stuck)
"""


def test_a_hundred_forks_of_a_program_that_logs(tmp_path: Path) -> None:
    """Publishing and forking all the time: no child is stuck at its first line of the log, and no line is missing."""
    path = tmp_path / "log"
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.stderr) == ("stuck: 0\n", "")
    lines = path.read_text().splitlines()
    assert sum(":child " in line for line in lines) == 100
    assert sum("success" in line for line in lines) == 2_000


def test_a_fork_that_fails_lets_the_lanes_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate that was closed and never opened again, whatever became of the fork, holds nobody up for ever."""
    monkeypatch.setattr("jobreporter._system.gate.LONGEST_FORK", 0.05)
    GATE.close()
    dispatcher = Dispatcher({"writing": Writing})
    dispatcher.publish(make_event("started"))
    assert dispatcher.close(20)
    assert not GATE.closed
    assert os.getpid()
