"""What a fork must not find open: SQLite's files.

A forked child inherits SQLite's table of the locks that the process holds, and with it the belief that they are its
own. What it then writes may be lost, and its write-ahead log deleted under it. So connections are closed before a fork,
and opened again by whoever needs them next, in the parent and in the child.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from typing import Protocol

# Seconds that a fork waits for a use to end, and then for it to be broken off. A child of a process that wouldn't can't write.
_PATIENCE = 1.0
_LAST_PATIENCE = 5.0
# Seconds between two attempts to break it off: one that falls between two statements ends neither of them.
_LOOK = 0.02


class Forkable(Protocol):
    """Something that a fork must not find open."""

    #: Held while it is in use.
    in_use: threading.RLock

    def close_for_fork(self) -> None:
        """A fork is about to happen, and nothing uses it: close it."""

    def break_off(self) -> None:
        """A fork is about to happen, and something uses it: have that end soon."""

    def inherit(self, *, closed: bool) -> None:
        """This is the forked child. closed: whether it was closed before."""


_open: weakref.WeakSet[Forkable] = weakref.WeakSet()
_held: list[tuple[Forkable, bool]] = []


def remember(forkable: Forkable) -> None:
    """Have it closed before each fork."""
    _open.add(forkable)


def _before() -> None:
    for forkable in list(_open):
        free = forkable.in_use.acquire(timeout=_PATIENCE)
        deadline = time.monotonic() + _LAST_PATIENCE
        while not free and time.monotonic() < deadline:
            forkable.break_off()
            free = forkable.in_use.acquire(timeout=_LOOK)
        if free:
            forkable.close_for_fork()
        _held.append((forkable, free))


def _after_in_parent() -> None:
    while _held:
        forkable, free = _held.pop()
        if free:
            forkable.in_use.release()


def _after_in_child() -> None:
    while _held:
        forkable, free = _held.pop()
        forkable.in_use = threading.RLock()
        forkable.inherit(closed=free)


os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
