"""Processes that nobody waits for. Where this is the first process, as in a container, they become its children."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

#: Seconds between two looks.
LOOK = 1.0


class Orphans:
    """Waits for them once they have ended, so that they don't stay as zombies.

    A child that something else here has started, a reporter's say, looks the same for a moment. So what has ended is
    left to whoever started it until the next look.
    """

    def __init__(self, own: int, proc: Path = Path("/proc")) -> None:
        """own: the child that somebody here waits for anyhow."""
        self._own = own
        self._proc = proc
        self._seen: set[int] = set()

    def reap(self) -> None:
        """Look once."""
        ended = self._ended()
        for pid in ended & self._seen:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        self._seen = ended

    def _ended(self) -> set[int]:
        us, ended = str(os.getpid()).encode(), set()
        for path in self._proc.glob("[0-9]*/stat"):
            with suppress(OSError):  # it is gone
                state, parent, *_ = path.read_bytes().rpartition(b")")[2].split()
                if state == b"Z" and parent == us:
                    ended.add(int(path.parent.name))
        return ended - {self._own}
