"""Locks between processes, which the kernel gives up for a process that dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobreporter_prometheus import _forked

#: Seconds between two tries to get a lock.
_BETWEEN_TRIES = 0.005


class FileLock:
    """An exclusive lock on a file, which is made if it isn't there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1

    def take(self) -> bool:
        """Take the lock if nobody has it. Returns whether it is held. Raises OSError if the file can't be opened."""
        if self._descriptor >= 0:
            return True
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        _forked.remember(self)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._close()
            return False
        return True

    def release(self) -> None:
        """Give it back."""
        if self._descriptor >= 0:
            # By name, for a child that was forked meanwhile may have a copy of the file open still.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            self._close()

    @contextmanager
    def hold(self, patience: float) -> Iterator[None]:
        """Hold it for a while. Raises TimeoutError if it can't be had within ``patience`` seconds."""
        deadline = time.monotonic() + patience
        while not self.take():
            if time.monotonic() >= deadline:
                raise TimeoutError(f"another process has held {self.path} for more than {patience:g} s")
            time.sleep(_BETWEEN_TRIES)
        try:
            yield
        finally:
            self.release()

    def let_go(self) -> None:
        """In a forked child: the lock is the parent's."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _close(self) -> None:
        _forked.forget(self)
        descriptor, self._descriptor = self._descriptor, -1
        os.close(descriptor)
