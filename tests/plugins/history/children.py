"""Forked children of a test."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path


def in_children(count: int, work: Callable[[int], object], folder: Path) -> list[object]:
    """What a function returns in so many forked children, all at once."""
    children = []
    for number in range(count):
        pid = os.fork()
        if pid == 0:
            try:
                (folder / f"child-{number}").write_text(json.dumps(work(number)))
                os._exit(0)
            finally:
                os._exit(1)
        children.append(pid)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0] * count
    return [json.loads((folder / f"child-{number}").read_text()) for number in range(count)]
