"""Locks between processes, which the kernel gives up for a process that dies."""

from __future__ import annotations

import fcntl
import os

from jobreporter_prometheus import _forked


class Lock:
    """A lock on an open file, held from the moment that it is made.

    A forked child closes its copy of the file, and has no part in the lock.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        found = os.fstat(descriptor)
        #: The file's device and number, by which it can be told from another one of the same name.
        self.identity = (found.st_dev, found.st_ino)
        _forked.remember(self)

    def release(self) -> None:
        """Give it back. Once more does nothing."""
        if self._descriptor >= 0:
            # By name, for a child that was forked meanwhile may have a copy of the file open still.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            self.let_go()
            _forked.forget(self)

    def let_go(self) -> None:
        """In a forked child: the lock is the parent's."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def lock(descriptor: int, *, shared: bool = False) -> Lock | None:
    """Lock an open file, or close it and return ``None`` where another process has it. Waits for nobody.

    shared: only to see whether somebody holds it alone; others may look at the same time.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return Lock(descriptor)
