"""The processes of a run: each is started by a command, and again after it was ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

#: In the environment of all of them, and of whatever they start: how those are found that outlive their parents.
MARK = "SOAK_MARK"
#: Seconds that anything may take that comes to an end by itself: pauses of reporters grow to half a minute, and RQ gives up on
#: a worker after a minute and a half.
PATIENCE = 150.0
_LOOK = 0.1


class Program:
    """A command, and the process that runs it now, in a group of its own."""

    def __init__(self, name: str, command: list[str], home: Path, environment: dict[str, str]) -> None:
        self.name = name
        self._command = command
        self._home = home
        self._environment = environment
        self._log = home / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        #: Held by whoever does something to it.
        self.lock = threading.Lock()

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def last_word(self) -> float:
        """When it last wrote into its log (Unix seconds)."""
        return self._log.stat().st_mtime

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                cwd=self._home,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def signal(self, number: int) -> None:
        """To all of its group."""
        assert self.process is not None
        if self.process.poll() is None:
            with suppress(ProcessLookupError):  # it may end just now
                os.killpg(self.process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.wait(30)

    def end(self, patience: float) -> bool:
        """As who runs it would. Returns whether it has ended by itself."""
        assert self.process is not None
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGTERM)
        try:
            self.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True

    def wait(self, patience: float) -> None:
        assert self.process is not None
        self.process.wait(patience)

    def children(self) -> list[int]:
        """The processes that it has started itself."""
        assert self.process is not None
        return [pid for pid, parent in _parents() if parent == self.process.pid]


def _parents() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
        except OSError:
            continue
        yield int(folder.name), int(stat.rpartition(")")[2].split()[1])


def marked(mark: str) -> list[int]:
    """Every process of the run that still lives."""
    entry = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if entry in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def wait_for_the_marked(mark: str, patience: float) -> list[int]:
    """Wait until none is left. Those that are left after all are killed, and returned."""
    end = time.monotonic() + patience
    while left := marked(mark):
        if time.monotonic() > end:
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            return left
        time.sleep(0.05)  # between two looks, not in place of one
    return []


def installed(name: str) -> str:
    """The path of a command that is installed beside this Python."""
    return os.fspath(Path(sys.executable).with_name(name))


def comes_true(condition: Callable[[], object]) -> bool:
    """Wait until the condition holds. Returns whether it did within `PATIENCE` seconds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(_LOOK)  # between two looks, not in place of one
    return True
