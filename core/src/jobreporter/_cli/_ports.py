"""Who has the ports that a reporter wants, and whether that is this config's own worker.

Only Linux tells, in ``/proc``; elsewhere nobody is found, and a port in use is what it looks like.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from jobreporter._config.load import load
from jobreporter._config.records import Config
from jobreporter.errors import JobReporterError
from jobreporter.text import one_line

_PROC = Path("/proc")
_LISTENING = "0A"
# In the memory of every process that has imported jobreporter, and of few others.
_IMPORTED = "/msgspec/_core."


class Holder(NamedTuple):
    """A worker that has a port."""

    port: int
    pid: int
    #: What the system calls the process.
    name: str


class Ports:
    """The ports that this process has asked for since this was made."""

    def __init__(self) -> None:
        self._asked: list[int] = []
        sys.addaudithook(self._heard)  # there is no way to take it away again: it lasts as long as this process

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.bind":
            address = arguments[1]
            if isinstance(address, tuple) and len(address) > 1 and isinstance(address[1], int) and address[1]:
                self._asked.append(address[1])

    def asked(self) -> list[int]:
        """Those that were asked for since the last call."""
        asked, self._asked = self._asked, []
        return asked


def own_worker(ports: list[int], config: Config) -> Holder | None:
    """The first worker with this config that listens on one of the ports; ``None`` if none does."""
    for port, inode in _listeners():
        if port in ports:
            for pid in _owners(inode):
                if pid != os.getpid() and _uses(pid, config):
                    return Holder(port, pid, _name(pid))
    return None


def _listeners() -> Iterator[tuple[int, str]]:
    """Every port that somebody listens on, with the inode of the socket."""
    for table in ("net/tcp", "net/tcp6"):
        for line in _read(_PROC / table).splitlines()[1:]:
            _, local, _, state, _, _, _, _, _, inode, *_ = line.split()
            if state == _LISTENING:
                yield int(local.rpartition(":")[2], 16), inode


def _owners(inode: str) -> Iterator[int]:
    """The processes of this user that have the socket."""
    for process in _PROC.glob("[0-9]*"):
        try:
            links = [os.readlink(each.path) for each in os.scandir(process / "fd")]
        except OSError:  # somebody else's, or gone
            continue
        if f"socket:[{inode}]" in links:
            yield int(process.name)


def _uses(pid: int, config: Config) -> bool:
    """Whether a process has jobreporter in it, and finds the same config from where it runs."""
    process = _PROC / str(pid)
    if config.path is None or _IMPORTED not in _read(process / "maps"):
        return False
    variables = (line.partition("=") for line in _read(process / "environ").split("\0"))
    try:
        found = load(environ={name: value for name, _, value in variables}, cwd=os.readlink(process / "cwd"))
        return found.config.path is not None and found.config.path.samefile(config.path)
    except (OSError, JobReporterError):
        return False


def _name(pid: int) -> str:
    return one_line(_read(_PROC / str(pid) / "comm").strip(), 40) or "python"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
