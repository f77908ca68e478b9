"""What the jobs of all sources' modules do. They run in the folder of their bench."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from jobreporter import Abort, Execution
from jobreporter.testing._source._bench import RECORDS
from jobreporter.testing._source._jobs import first_time, wait_for_release

__all__ = ["RECORDS", "end_as_named", "first_time", "wait_for_release", "wait_until_reported"]


def end_as_named(name: str) -> None:
    """End in the way that the job's own name says, such as ``random-17-flaky``."""
    match name.rpartition("-")[2]:
        case "failure":
            raise RuntimeError("never")
        case "flaky" if first_time(f"{name}.tried"):
            raise RuntimeError("not yet")
        case "abort":
            raise Abort("skipped")
        case "death" if first_time(f"{name}.tried"):
            wait_until_reported()
            os.kill(os.getpid(), signal.SIGKILL)


def wait_until_reported() -> None:
    """Wait until the start of this execution was written down, and with it all that this process reported before."""
    execution = Execution.current()
    assert execution is not None
    own = execution.job.execution_id.encode()
    while not Path(RECORDS).exists() or own not in Path(RECORDS).read_bytes():
        time.sleep(0.01)
