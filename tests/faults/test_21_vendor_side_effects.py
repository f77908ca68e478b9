"""Row 21: a process in which a vendor's SDK is loaded and at work ends as it would without one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loopback import Loopback, loopback
from tests.test_every_reporter import INSTALLED, options_of

#: Has the reporter deliver a failure, unless there is none by the name; and then does what the test says.
PROGRAM = """
import importlib, json, logging, os, signal, sys
logging.basicConfig(filename=os.devnull)
if {own}:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
    sys.excepthook = lambda _type, value, _traceback: print("the program's own:", value, file=sys.stderr)
name, target, options = sys.argv[1:]
if target:
    module, _, attribute = target.partition(":")
    reporter = getattr(importlib.import_module(module), attribute)
    import jobreporter
    from jobreporter.testing import make_event
    dispatcher = jobreporter.Dispatcher({{name: reporter}}, config={{"reporters": {{name: json.loads(options)}}}})
    dispatcher.publish(make_event("failure"))
    assert dispatcher.flush(20)
{then}
"""

KILLED = "os.kill(os.getpid(), signal.SIGTERM)"
RAISES = "raise LookupError('nobody catches this')"

#: Beside another test's, a page of metrics needs a port of its own.
PORT = {"prometheus": {"port": 0}}


class Program:
    """A program with one of the reporters."""

    def __init__(self, name: str, url: str, folder: Path) -> None:
        self._name = name
        self._options = json.dumps(options_of(name)(url, folder) | PORT.get(name, {}))
        #: Whether it sends what it gets to the server at the URL.
        self.sends = url.rpartition(":")[2] in self._options

    def ends(self, then: str, *, own: bool, reporting: bool = True) -> tuple[int, str]:
        """The program's exit status, and what it says on stderr.

        own: whether it has a handler of its own for SIGTERM, and a hook of its own for what nobody catches. reporting:
        whether it has the reporter at all.
        """
        target = INSTALLED[self._name].value if reporting else ""
        # sentry-sdk imports eventlet where it is installed, and that has something to say.
        quietly = "-Wignore:::sentry_sdk.utils"
        command = [sys.executable, quietly, "-c", PROGRAM.format(own=own, then=then), self._name, target, self._options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stderr


@pytest.fixture
def server() -> Iterator[Loopback]:
    with loopback() as server:
        yield server


@pytest.fixture(params=INSTALLED)
def program(request: pytest.FixtureRequest, server: Loopback, tmp_path: Path) -> Program:
    return Program(request.param, server.url, tmp_path)


def test_a_killed_process_dies_of_the_signal(program: Program, server: Loopback) -> None:
    """SIGTERM ends it after its report has been sent as before: whoever waits for it sees the signal, and it says nothing."""
    assert program.ends(KILLED, own=False) == (-signal.SIGTERM, "")
    assert bool(server.requests) == program.sends


def test_the_programs_own_handler_is_asked(program: Program) -> None:
    """A handler for SIGTERM that the program had before the reporter was imported decides how it ends."""
    assert program.ends(KILLED, own=True) == (7, "")


@pytest.mark.parametrize("own", [False, True], ids=["pythons hook", "a hook of its own"])
def test_an_error_that_nobody_catches_is_the_programs_own(program: Program, *, own: bool) -> None:
    """The exit status and every line on stderr are those of the same program without the reporter."""
    without = program.ends(RAISES, own=own, reporting=False)
    assert without[0] == 1
    assert "nobody catches this" in without[1]
    assert program.ends(RAISES, own=own) == without
