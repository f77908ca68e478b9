"""Row 26: a logging handler stalls, with its lock held: on a pipe that nobody reads, or wherever else a handler may wait."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobreporter import Dispatcher
from jobreporter._system.aside import MOST_THREADS
from jobreporter.sourcekit import harmless
from jobreporter.testing import Recorder, make_event
from tests.waiting import until


class Stalled(logging.Handler):
    """Holds its lock, and waits until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.go_on.wait()
        self.lines.append(record.getMessage())


@pytest.fixture
def stalled() -> Iterator[Stalled]:
    """A handler of jobreporter's logger that stalls."""
    handler, logger = Stalled(), logging.getLogger("jobreporter")
    logger.addHandler(handler)
    yield handler
    handler.go_on.set()
    logger.removeHandler(handler)


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes. One that waits for the handler fails, and ends with it."""
    start = time.monotonic()
    caller = threading.Thread(target=call, daemon=True)
    caller.start()
    caller.join(20)
    assert not caller.is_alive(), "it waits for the handler"
    return time.monotonic() - start


def test_flush_and_close_keep_their_deadline(stalled: Stalled) -> None:
    """Their own lines wait for the handler, and they don't; once it goes on, the lines are there."""
    took = []
    for _ in range(3):
        dispatcher = Dispatcher({"recorder": Recorder(crash_on={"handle_started"})})
        dispatcher.publish(make_event("started"))  # its lane hangs in the line that tells of the crash
        dispatcher.publish(make_event("stopped"))
        took.append(seconds(lambda dispatcher=dispatcher: dispatcher.flush(0.3)))  # type: ignore[misc]
        took.append(seconds(lambda dispatcher=dispatcher: dispatcher.close(0.3)))  # type: ignore[misc]
    assert min(took[0::2]) < 0.45
    assert min(took[1::2]) < 0.45
    stalled.go_on.set()
    until(lambda: any("not flushed within 0.3 s" in line for line in stalled.lines), "the line of a flush")
    until(lambda: sum("lost 2 of 2 events" in line for line in stalled.lines) == 3, "the lines of the closes")


def test_threads_that_wait_for_it_are_few(stalled: Stalled) -> None:
    """However much there is to say, two threads at most wait to say it, and the rest waits for them."""
    before = threading.active_count()
    for _ in range(10):
        dispatcher = Dispatcher({"recorder": Recorder()})
        dispatcher.publish(None)  # type: ignore[arg-type]  # which is told
        assert dispatcher.flush(20)
        dispatcher.close(0.1)
    until(lambda: threading.active_count() - before <= MOST_THREADS, "the end of all other threads")
    stalled.go_on.set()
    until(lambda: sum("no reporter got" in line for line in stalled.lines) == 10, "all lines")


def test_a_job_does_not_wait_for_it(stalled: Stalled) -> None:
    """What a source has to say on the job's own thread holds the job up for a second, once."""

    class Source:
        @harmless
        def job_starts(self) -> None:
            raise ValueError("of ours")

    source = Source()
    assert seconds(source.job_starts) < 5
    assert seconds(source.job_starts) < 0.5
    stalled.go_on.set()
    until(lambda: any("could not be reported" in line for line in stalled.lines), "the line")


def test_a_worker_that_starts_does_not_wait_for_it(stalled: Stalled) -> None:
    """The line that says that jobs are reported holds it up for a second."""
    dispatcher = Dispatcher({"recorder": Recorder()})
    logging.getLogger("jobreporter").setLevel(logging.INFO)
    try:
        assert seconds(lambda: dispatcher.announce("rq")) < 5
        stalled.go_on.set()
        until(lambda: any("reports rq jobs to recorder" in line for line in stalled.lines), "the line")
    finally:
        logging.getLogger("jobreporter").setLevel(logging.NOTSET)
        dispatcher.close()


def test_what_a_handler_raises_reaches_nobody() -> None:
    """A handler that raises in the line of a flush or a close raises nothing in its caller."""

    class Full(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("no space left")

    logger, handler, release = logging.getLogger("jobreporter"), Full(), threading.Event()
    logger.addHandler(handler)
    try:
        dispatcher = Dispatcher({"recorder": Recorder(effect=lambda _call: release.wait())})
        dispatcher.publish(make_event("started"))
        assert not dispatcher.flush(0.1)
        assert not dispatcher.close(0.1)
    finally:
        release.set()
        logger.removeHandler(handler)


PROGRAM = """
import logging, os, sys, threading
kind, way = sys.argv[1:]
reading, writing = os.pipe()
if kind == "stderr":
    os.dup2(writing, 2)
    handler = logging.StreamHandler()
elif kind == "file":
    handler = logging.FileHandler(f"/dev/fd/{writing}")
elif kind == "stream":
    handler = logging.StreamHandler(os.fdopen(writing, "w"))
else:
    handler = logging.Handler()
    handler.emit = lambda record: threading.Event().wait()
logging.basicConfig(level="INFO", handlers=[handler])

from jobreporter import Dispatcher
from jobreporter.reporters.log import LogReporter
from jobreporter.testing import make_event

dispatcher = Dispatcher(
    {"log": LogReporter}, config={"reporters": {"log": {"lane": {"timeout": 1}}}, "dispatcher": {"exit_timeout": 0.5}}
)
for _ in range(6_000):
    dispatcher.publish(make_event("success"))
if way == "close":
    assert not dispatcher.flush(0.5)
    assert not dispatcher.close(0.5)
sys.exit(7)
"""


@pytest.mark.parametrize("way", ["close", "exit"])
@pytest.mark.parametrize("kind", ["stderr", "file", "stream", "handler"])
def test_a_program_ends(kind: str, way: str) -> None:
    """The interpreter's exit doesn't wait for a handler in which a reporter hangs; the exit code is the program's own."""
    command = [sys.executable, "-c", PROGRAM, kind, way]
    assert subprocess.run(command, timeout=60, check=False, stderr=subprocess.DEVNULL).returncode == 7


def full_pipe() -> tuple[int, int]:
    """A pipe that takes nothing more."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    for size in (65_536, 1):
        try:
            while True:
                os.write(writing, b" " * size)
        except BlockingIOError:
            pass
    os.set_blocking(writing, True)
    return reading, writing


CONFIGS = {
    "no config": None,
    "a log": '[reporters.log]\nlevels.success = "info"\n',
    "a config that is wrong": "[reporters.nobody_knows_this]\n",
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize(("words", "code"), [(["true"], 0), (["sh", "-c", "exit 3"], 3), (["not-a-command"], 127)])
def test_exec_ends_as_its_command_does(tmp_path: Path, config: str | None, words: list[str], code: int) -> None:
    """``jobreporter exec`` with an stderr that nobody reads."""
    if config is not None:
        (tmp_path / "jobreporter.toml").write_text(config)
    reading, writing = full_pipe()
    command = [sys.executable, "-m", "jobreporter", "exec", "--", *words]
    try:
        done = subprocess.run(command, cwd=tmp_path, stderr=writing, timeout=60, check=False)
    finally:
        os.close(reading)
        os.close(writing)
    assert done.returncode == code
