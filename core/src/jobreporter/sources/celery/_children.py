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

from jobreporter.sourcekit import DELIVERY_LENGTH

#: Children that there may be at once.
_PLACES = 1024
#: Executions of each that are remembered as ended. One is asked for right after it was lost, and a child runs one at a
#: time.
_REMEMBERED = 7
_PID = struct.Struct("q")
#: First a column of the deliveries that the children have begun last: that is searched for each job.
_COLUMN = _PLACES * DELIVERY_LENGTH
#: Then a place for each child: its process id, the names of the executions that have last begun, begun to send a message
#: for another attempt, and sent it, and of those that it has ended.
_BEGUN = _PID.size
_SENDING = _BEGUN + DELIVERY_LENGTH
_SENT = _SENDING + DELIVERY_LENGTH
_ENDED = _SENT + DELIVERY_LENGTH
_PLACE = _ENDED + _REMEMBERED * DELIVERY_LENGTH
#: At last, how many places have been used so far: the rest of the column needn't be searched.
_USED = _COLUMN + _PLACES * _PLACE


class Begun(NamedTuple):
    """An execution that a child has begun.

    name: by default that of the delivery. has_sent: whether it has sent a message for another attempt; ``None`` if it had
    begun to.
    """

    pid: int
    name: str
    has_sent: bool | None = False


class Children:
    """Made in the main process, before any child is forked. Deliveries and executions go by names of `DELIVERY_LENGTH` letters."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _USED + _PID.size)
        #: The place for the child that is forked next, and in a child its own.
        self._place = 0
        #: In a child how many executions it has ended.
        self._count: int | None = None
        _every.add(self)

    def be_child(self) -> None:
        """This is a child of the pool now, in the place that was chosen for it when it was forked."""
        self._write(self._place * DELIVERY_LENGTH, bytes(DELIVERY_LENGTH))
        self._write(_at(self._place), bytes(_PLACE))
        self._write(_at(self._place), _PID.pack(os.getpid()))
        self._count = 0

    def begins(self, delivery: str, name: str) -> None:
        """The child is about to run the job of this delivery, in an execution of this name."""
        if self._count is not None:
            self._write(_at(self._place) + _BEGUN, _token(name))
            self._write(self._place * DELIVERY_LENGTH, _token(delivery))

    def begun(self, delivery: str) -> Iterator[Begun]:
        """The executions in which other children have begun this one, and nothing else after it."""
        (used,) = _PID.unpack_from(self._memory, _USED)
        column, token = self._memory[: used * DELIVERY_LENGTH], _token(delivery)
        at = column.find(token)
        while at != -1:
            place, beside = divmod(at, DELIVERY_LENGTH)
            if not beside and not (place == self._place and self._count is not None):
                name = self._name(_at(place) + _BEGUN)
                yield Begun(self._pid(place), name, has_sent=self._has_sent(place, name))
            at = column.find(token, at + 1)

    def sends(self, name: str) -> None:
        """The child is about to send a message for another attempt at the job of this execution."""
        if self._count is not None:
            self._write(_at(self._place) + _SENDING, _token(name))

    def has_sent(self, name: str) -> None:
        """The child has sent it."""
        if self._count is not None:
            self._write(_at(self._place) + _SENT, _token(name))

    def ends(self, name: str) -> None:
        """The child is about to publish how this execution ended. In any other process there is nobody to tell."""
        if self._count is not None:
            at = _at(self._place) + _ENDED + self._count % _REMEMBERED * DELIVERY_LENGTH
            self._write(at, _token(name))
            self._count += 1

    def have_ended(self, name: str) -> bool:
        """Whether a child has ended this execution."""
        token = _token(name)
        at = self._memory.find(token, _COLUMN)
        while at != -1 and (at % DELIVERY_LENGTH or (at - _COLUMN) % _PLACE < _ENDED):
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

    def forked(self) -> None:
        """This process was forked, and is no child of the pool unless it is made one: a child's job may fork too."""
        self._count = None

    def _has_sent(self, place: int, name: str) -> bool | None:
        if self._name(_at(place) + _SENT) == name:
            return True
        return None if self._name(_at(place) + _SENDING) == name else False

    def _name(self, at: int) -> str:
        return self._memory[at : at + DELIVERY_LENGTH].decode().rstrip()

    def _pid(self, place: int) -> int:
        return int(_PID.unpack_from(self._memory, _at(place))[0])

    def _write(self, at: int, data: bytes) -> None:
        self._memory[at : at + len(data)] = data


def _at(place: int) -> int:
    return _COLUMN + place * _PLACE


def _token(name: str) -> bytes:
    return name.encode()[:DELIVERY_LENGTH].ljust(DELIVERY_LENGTH)


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


def _forked() -> None:
    for each in list(_every):
        each.forked()


os.register_at_fork(before=_forking, after_in_child=_forked)
