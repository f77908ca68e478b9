"""What the pool's children have begun and ended, in memory that they share with each other and the main process.

It is asked about children that are gone: by then nothing of theirs is written any more, so no lock is needed, and what
they have written is there whatever killed them.
"""

from __future__ import annotations

import mmap
import os
import struct
import weakref
from collections.abc import Iterator
from typing import NamedTuple

from jobreporter.sources._delivery import LENGTH

#: Children that there may be at once.
_PLACES = 1024
#: Executions of each that are remembered as ended. One is asked for right after it was lost, and a child runs one at a
#: time.
_REMEMBERED = 7
_PID = struct.Struct("q")
#: First a column of the deliveries that the children have begun last: that is searched for each job.
_COLUMN = _PLACES * LENGTH
#: Then a place for each child: its process id, the name of the execution that it has begun last, those that it has ended.
_PLACE = _PID.size + LENGTH + _REMEMBERED * LENGTH
#: At last, how many places have been used so far: the rest of the column needn't be searched.
_USED = _COLUMN + _PLACES * _PLACE


class Begun(NamedTuple):
    """An execution that a child has begun. name: by default that of the delivery."""

    pid: int
    name: str


class Children:
    """Made in the main process, before any child is forked. Deliveries and executions go by names of `LENGTH` letters."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _USED + _PID.size)
        #: The place for the child that is forked next, and in a child its own.
        self._place = 0
        #: In a child how many executions it has ended.
        self._count: int | None = None
        _every.add(self)

    def be_child(self) -> None:
        """This is a child of the pool now, in the place that was chosen for it when it was forked."""
        self._write(self._place * LENGTH, bytes(LENGTH))
        self._write(_at(self._place), bytes(_PLACE))
        self._write(_at(self._place), _PID.pack(os.getpid()))
        self._count = 0

    def begins(self, delivery: str, name: str) -> None:
        """The child is about to run the job of this delivery, in an execution of this name."""
        if self._count is not None:
            self._write(_at(self._place) + _PID.size, _token(name))
            self._write(self._place * LENGTH, _token(delivery))

    def begun(self, delivery: str) -> Iterator[Begun]:
        """The executions in which other children have begun this one, and nothing else after it."""
        (used,) = _PID.unpack_from(self._memory, _USED)
        column, token = self._memory[: used * LENGTH], _token(delivery)
        at = column.find(token)
        while at != -1:
            place, beside = divmod(at, LENGTH)
            if not beside and not (place == self._place and self._count is not None):
                at_name = _at(place) + _PID.size
                name = self._memory[at_name : at_name + LENGTH]
                yield Begun(self._pid(place), name.decode().rstrip())
            at = column.find(token, at + 1)

    def ends(self, name: str) -> None:
        """The child is about to publish how this execution ended. In any other process there is nobody to tell."""
        if self._count is not None:
            at = _at(self._place) + _PID.size + LENGTH + self._count % _REMEMBERED * LENGTH
            self._write(at, _token(name))
            self._count += 1

    def have_ended(self, name: str) -> bool:
        """Whether a child has ended this execution."""
        token = _token(name)
        at = self._memory.find(token, _COLUMN)
        while at != -1 and (at % LENGTH or (at - _COLUMN) % _PLACE < _PID.size + LENGTH):
            at = self._memory.find(token, at + 1)
        return at != -1

    def forking(self) -> None:
        """A process is about to be forked: choose a place that no living child has."""
        if self._count is None:
            for _ in range(_PLACES):
                self._place = (self._place + 1) % _PLACES
                pid = self._pid(self._place)
                if not pid or not alive(pid):
                    break
            (used,) = _PID.unpack_from(self._memory, _USED)
            self._write(_USED, _PID.pack(max(used, self._place + 1)))

    def _pid(self, place: int) -> int:
        return int(_PID.unpack_from(self._memory, _at(place))[0])

    def _write(self, at: int, data: bytes) -> None:
        self._memory[at : at + len(data)] = data


def _at(place: int) -> int:
    return _COLUMN + place * _PLACE


def _token(name: str) -> bytes:
    return name.encode()[:LENGTH].ljust(LENGTH)


def alive(pid: int) -> bool:
    """Whether there is such a process; one that has ended is there until its parent has noticed."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


_every: weakref.WeakSet[Children] = weakref.WeakSet()


def _forking() -> None:
    for each in list(_every):
        each.forking()


os.register_at_fork(before=_forking)
