"""Row 27: no thread can be started: a subinterpreter allows none, or the interpreter shuts down."""

from __future__ import annotations

import _thread
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from jobreporter import Dispatcher
from jobreporter._system import threads
from jobreporter.testing import Recorder, make_event
from tests.waiting import until

SUBINTERPRETER = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

PROGRAM = '''
import sys
try:
    from jobreporter import Dispatcher
except ImportError as error:
    print("refused:", error)
else:
    from jobreporter.testing import Recorder, make_event
    dispatcher = Dispatcher({"recorder": Recorder()})
    for _ in range(3):
        dispatcher.publish(make_event("started"))
    stats = dispatcher.stats()["recorder"]
    print(stats.status, stats.reason, dispatcher.flush(30), dispatcher.close(30), dispatcher.close(30), sep=" | ")
sys.stdout.flush()
'''
interpreters.run_string(interpreters.create(), PROGRAM)
"""

TOLD = "no thread can be started: thread is not supported for isolated subinterpreters"


def test_a_subinterpreter_is_told_in_one_sentence() -> None:
    """Its reporters are broken, with the reason; flush and close say no at once, and stderr has it in a line."""
    begun = time.monotonic()
    command = [sys.executable, "-c", SUBINTERPRETER]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert time.monotonic() - begun < 25, done
    if sys.version_info >= (3, 12):
        # The extension that jobreporter needs doesn't load there, which says so itself.
        assert "does not support loading in subinterpreters" in done.stdout
    else:
        assert done.stdout.strip() == f"broken | {TOLD} | False | False | False"
        assert done.stderr.splitlines()[0] == f"no reporter gets any event: {TOLD}"
        assert done.stderr.count("lost 3 of 3 events: 3 closed") == 1


@pytest.mark.usefixtures("log_of_its_own")
@pytest.mark.parametrize("where", ["at once", "by the thread that starts it"])
def test_an_interpreter_that_has_no_threads_any_more(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], where: str
) -> None:
    """Nobody waits for a thread that will never be: events are counted, and reporters are not said to run."""
    error = RuntimeError("can't create new thread at interpreter shutdown")

    def refuse(_run: object, _name: object, failed: object) -> None:
        if where == "at once":
            raise error
        failed(error)  # type: ignore[operator]  # it is a function

    monkeypatch.setattr(threads, "start", refuse)
    dispatcher = Dispatcher({"recorder": Recorder()})
    dispatcher.publish(make_event("started"))
    begun = time.monotonic()
    assert not dispatcher.flush(60)
    assert dispatcher.stats()["recorder"].status == "broken"
    assert not dispatcher.close(60)
    assert time.monotonic() - begun < 30
    stats = dispatcher.stats()["recorder"]
    assert (stats.status, stats.dropped, stats.pending) == ("closed", {"closed": 1}, 0)
    if where == "at once":
        assert f"no thread can be started: {error}" in capfd.readouterr().err


def test_whoever_starts_a_thread_is_interrupted_right_after_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread runs all the same, and nothing is said on stderr."""
    start, ran, odd = _thread.start_new_thread, threading.Event(), list[Any]()
    others = {*threads.STARTING}

    def started(*given: Any) -> None:
        thread = start(*given)
        until(ran.is_set, "the thread")
        raise SystemExit(thread)

    monkeypatch.setattr(sys, "unraisablehook", odd.append)
    with monkeypatch.context() as patch:
        patch.setattr(_thread, "start_new_thread", started)
        with pytest.raises(SystemExit):
            threads.start(ran.set, "own", lambda _error: None)
    until(lambda: others.issuperset(threads.STARTING), "nothing that is about to start")
    assert odd == []
