"""What becomes of events when the program ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jobreporter.testing import read_calls

PROGRAM = """
import atexit, logging, os, signal, sys, threading
logging.basicConfig(format="%(message)s")
from jobreporter import Dispatcher, hookimpl
from jobreporter.testing import FileRecorder, make_event

dispatcher = Dispatcher(
    {"recorder": FileRecorder},
    config={"reporters": {"recorder": {"path": sys.argv[1]}}, "dispatcher": {"exit_timeout": 5}},
)
"""


def run(path: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Run a program that has a dispatcher with a recorder."""
    command = [sys.executable, "-c", PROGRAM + program, str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_program_that_just_ends_delivers_what_it_published(tmp_path: Path) -> None:
    """At exit, the dispatcher closes as a last resort."""
    done = run(tmp_path / "calls", "for _ in range(100): dispatcher.publish(make_event('started'))")
    assert (done.returncode, done.stderr) == (0, "")
    hooks = [call.hook for call in read_calls(tmp_path / "calls")]
    assert hooks == ["reporter_start", *["handle_started"] * 100, "reporter_flush", "reporter_stop"]


def test_an_exit_handler_may_publish(tmp_path: Path) -> None:
    """What is published while the program exits is delivered or counted, and nothing is printed for it."""
    done = run(
        tmp_path / "calls",
        """
atexit.register(lambda: dispatcher.publish(make_event("started")))
dispatcher.publish(make_event("stopped"))
""",
    )
    assert (done.returncode, done.stderr) == (0, "")
    hooks = [call.hook for call in read_calls(tmp_path / "calls")]
    assert hooks == ["reporter_start", "handle_stopped", "handle_started", "reporter_flush", "reporter_stop"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_first_event_at_exit_starts_no_thread_and_prints_no_traceback(tmp_path: Path, when: str) -> None:
    """Where threads can't start any more, events are counted as lost in one line; none are lost where they can."""
    register = 'atexit.register(lambda: dispatcher.publish(make_event("started")))'
    program = PROGRAM.replace("import atexit", "import atexit, weakref")
    if when == "after":
        # Handlers run last in, first out: this one runs after the dispatcher has closed.
        program = "import atexit\n" + register + "\n" + program
    else:
        program += register
    command = [sys.executable, "-c", program, str(tmp_path / "calls")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    delivered = [call.hook for call in read_calls(tmp_path / "calls")].count("handle_started")
    assert delivered == 1 or when == "after" or "lost 1 of 1 events: 1 closed" in done.stderr


def test_a_hanging_reporter_holds_up_the_exit_for_the_exit_timeout_only(tmp_path: Path) -> None:
    """The program ends with its own status, and says what was lost."""
    done = run(
        tmp_path / "calls",
        """
class Hanging:
    @hookimpl
    def handle_started(self):
        threading.Event().wait()

slow = Dispatcher({"slow": Hanging}, config={"dispatcher": {"exit_timeout": 0.1}})
for _ in range(3): slow.publish(make_event("started"))
sys.exit(7)
""",
    )
    assert done.returncode == 7
    assert (
        done.stderr.strip()
        == "reporter 'slow' lost 3 of 3 events: 1 failed (it crashed or hung on them), 2 closed (they were not delivered before the dispatcher closed)"
    )


def test_a_signal_keeps_its_meaning(tmp_path: Path) -> None:
    """No signal handler is installed: SIGTERM still ends the program by SIGTERM."""
    done = run(tmp_path / "calls", "dispatcher.start(); dispatcher.flush(5); os.kill(os.getpid(), signal.SIGTERM)")
    assert done.returncode == -15


WITHIN_A_SERVER = """
from test.support import run_in_subinterp

program = '''
import threading
from jobreporter import Dispatcher
from jobreporter.testing import Recorder, make_event

start = threading.Thread.start
threading.Thread.start = lambda thread: (start(thread), threading.Event().wait(%r))
dispatcher = Dispatcher({"one": Recorder(), "other": Recorder()})
dispatcher.publish(make_event("started"))
if %r:
    print(dispatcher.close(20), flush=True)
'''
assert run_in_subinterp(program) == 0
"""


@pytest.mark.parametrize("lingers", [0.0, 0.1], ids=["quick", "slow"])
@pytest.mark.parametrize("closed", [True, False], ids=["closed", "not closed"])
def test_an_interpreter_that_a_server_ends_has_no_threads_left(closed: bool, lingers: float) -> None:
    """As under mod_wsgi: Python aborts the process where an interpreter ends that still has threads.

    lingers: seconds for which who started a thread is still there once that runs.
    """
    pytest.importorskip("_testcapi")
    command = [sys.executable, "-c", WITHIN_A_SERVER % (lingers, closed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "True\n" * closed), done.stderr
