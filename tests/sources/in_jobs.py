"""What the jobs of all sources' modules do. They run in the folder of their bench."""

from __future__ import annotations

import itertools
import os
import signal
import time
from pathlib import Path
from secrets import token_hex

from jobreporter import Abort, Execution

#: Where the reporter of a bench writes, in the bench's folder.
RECORDS = "calls.jsonl"


def first_time(marker: str) -> bool:
    """Whether nobody has asked for this marker before, in any process."""
    try:
        Path(marker).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def wait_for_release(name: str) -> None:
    """Say that the job is in its own code, and in which process; stay there until it may go on.

    The second that comes by this name writes ``NAME.entered2``, and so on.
    """
    note = Path(f"{name}.{token_hex(4)}")
    note.write_text(str(os.getpid()))
    for number in itertools.count(1):
        try:
            # Whoever sees the name finds the number there, and each name is taken once.
            Path(f"{name}.entered{number if number > 1 else ''}").hardlink_to(note)
            break
        except FileExistsError:
            pass
    while not Path(f"{name}.release").exists():
        time.sleep(0.01)


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
