"""What the jobs of all sources' modules do. They run in the folder of their bench."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path
from secrets import token_hex


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
