"""What a command has started: its children, theirs, and so on."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Process(NamedTuple):
    parent: int
    #: When it was started, in the system's own notation: a number that is used again has another.
    started: str


class ProcessTree:
    """All that descends from one process. What has been seen once still counts when its parent is gone.

    A process that was given up by its parent before the first look, a daemon, isn't found: that is what daemons are
    for.
    """

    def __init__(self, root: int) -> None:
        self._root = root
        self._seen: dict[int, str] = {}

    def alive(self) -> list[int]:
        """The descendants that live now, without the root."""
        processes = processes_of_proc() or processes_of_ps()
        children: dict[int, list[int]] = {}
        for pid, process in processes.items():
            children.setdefault(process.parent, []).append(pid)
        known = [pid for pid, started in self._seen.items() if pid in processes and processes[pid].started == started]
        found = [*known, *children.get(self._root, ())]
        for pid in found:  # grows as it goes
            found.extend(child for child in children.get(pid, ()) if child not in found)
        self._seen = {pid: processes[pid].started for pid in found}
        return list(self._seen)


def processes_of_proc(root: Path = Path("/proc")) -> dict[int, Process]:
    """Every process but zombies, by pid, from Linux's ``/proc``; empty elsewhere."""
    processes = {}
    for path in root.glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended in the meantime
            # pid (name, which may hold anything) state parent ...; the start is field 22 of all.
            fields = path.read_bytes().rpartition(b")")[2].split()
            if fields[0] != b"Z":
                processes[int(path.parent.name)] = Process(int(fields[1]), fields[19].decode())
    return processes


def processes_of_ps() -> dict[int, Process]:
    """The same from ``ps``, as POSIX systems have it; empty where there is none."""
    try:
        ps = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid=,state=,lstart="],  # noqa: S607 - wherever the system keeps it
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except OSError:
        return {}
    processes = {}
    for line in ps.stdout.decode(errors="replace").splitlines():
        pid, parent, state, started = line.split(maxsplit=3)
        if not state.startswith("Z"):
            processes[int(pid)] = Process(int(parent), started)
    return processes
