"""Programs of their own, where a fault ends the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from jobreporter.testing import read_calls

HEAD = """
import atexit, gc, logging, os, signal, sys, threading
logging.basicConfig(format="%(message)s")
from jobreporter import Dispatcher, hookimpl
from jobreporter.testing import FileRecorder, make_event, make_job

dispatcher = Dispatcher(
    {"recorder": FileRecorder},
    config={"reporters": {"recorder": {"path": sys.argv[1]}}, "dispatcher": {"exit_timeout": 20}},
)

def publish(id):
    dispatcher.publish(make_event("started", job=make_job(id=str(id))))
"""


def run(path: Path, program: str, *, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program that has a dispatcher whose recorder writes to ``path``."""
    command = [sys.executable, "-c", before + HEAD + program, str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)


def delivered(path: Path) -> list[str]:
    """The ids of the jobs whose events were delivered, by what the recorder wrote."""
    return [call.job.id for call in read_calls(path) if call.job is not None]
