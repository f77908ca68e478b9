"""Which executions the pool's children have ended, in memory that the worker's main process shares with them.

The main process asks once a child is gone: by then nothing is written any more, so no lock is needed, and what the child
has written is there whatever killed it.
"""

from __future__ import annotations

import mmap
import os
import struct
import weakref

from jobreporter.sources._delivery import LENGTH

#: Children that there may be at once.
_PLACES = 1024
#: Executions of each that are remembered. One is asked for right after it was lost, and a child runs one at a time.
_REMEMBERED = 7
_PID = struct.Struct("q")
_PLACE = _PID.size + _REMEMBERED * LENGTH


class Ended:
    """Made in the main process, before any child is forked."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _PLACES * _PLACE)
        #: The place for the child that is forked next, and in a child its own.
        self._place = 0
        self._count: int | None = None
        _every.add(self)

    def be_child(self) -> None:
        """This is a child of the pool now, in the place that was chosen for it when it was forked."""
        self._memory[self._place : self._place + _PLACE] = bytes(_PLACE)
        self._write(self._place, _PID.pack(os.getpid()))
        self._count = 0

    def add(self, delivery: str) -> None:
        """The child is about to publish how this one ended. In any other process there is nobody to tell."""
        if self._count is not None:
            at = self._place + _PID.size + self._count % _REMEMBERED * LENGTH
            self._write(at, _token(delivery))
            self._count += 1

    def has(self, delivery: str) -> bool:
        """Whether a child has ended this one."""
        token = _token(delivery)
        at = self._memory.find(token)
        while at != -1 and at % LENGTH:
            at = self._memory.find(token, at + 1)
        return at != -1

    def forking(self) -> None:
        """A process is about to be forked: choose a place that no living child has."""
        if self._count is None:
            for _ in range(_PLACES):
                self._place = (self._place + _PLACE) % len(self._memory)
                pid = self._pid(self._place)
                if not pid or not alive(pid):
                    break

    def _pid(self, place: int) -> int:
        return int(_PID.unpack_from(self._memory, place)[0])

    def _write(self, at: int, data: bytes) -> None:
        self._memory[at : at + len(data)] = data


def _token(delivery: str) -> bytes:
    return delivery.encode()[:LENGTH].ljust(LENGTH)


def alive(pid: int) -> bool:
    """Whether there is such a process; one that has ended is there until its parent has noticed."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


_every: weakref.WeakSet[Ended] = weakref.WeakSet()


def _forking() -> None:
    for each in list(_every):
        each.forking()


os.register_at_fork(before=_forking)
