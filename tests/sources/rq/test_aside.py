"""What a worker that forks reports from a process of its own."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from rq.exceptions import StopRequested
from workers import wait_for

from jobreporter.sources.rq import _aside
from jobreporter.sources.rq._aside import aside


def test_a_signal_ends_the_waiting_and_not_the_report(tmp_path: Path) -> None:
    """A worker that is asked to end while it tells something ends; what it tells is told to its end."""
    go, done = tmp_path / "go", tmp_path / "done"

    def report() -> None:
        (tmp_path / "pid").write_text(str(os.getpid()))
        os.kill(os.getppid(), signal.SIGALRM)
        wait_for(go.exists, "it may go on", str)
        done.touch()

    def stop(*_signal: object) -> None:
        raise StopRequested

    former = signal.signal(signal.SIGALRM, stop)
    try:
        with pytest.raises(StopRequested):
            aside(report)
    finally:
        signal.signal(signal.SIGALRM, former)
    pid = int((tmp_path / "pid").read_text())
    os.kill(pid, signal.SIGTERM)
    os.kill(pid, signal.SIGINT)
    go.touch()

    assert os.waitpid(pid, 0) == (pid, 0)
    assert done.exists()


def test_a_report_that_never_ends_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as one whose reporter holds the interpreter's lock; the worker goes on."""
    monkeypatch.setattr(_aside, "PATIENCE", 0.1)
    pid = tmp_path / "pid"

    def report() -> None:
        pid.write_text(str(os.getpid()))
        while True:
            signal.pause()

    aside(report)

    if pid.exists():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid.read_text()), 0)
