"""What becomes of dispatchers, and of all that has threads, when their process forks or exits.

A fork copies the thread that forks and the locks of all others: also those in C that nobody can renew, of a file's buffer,
of an import, of a library. So jobreporter's own threads come to rest before, where they hold none.
"""

from __future__ import annotations

import atexit
import os
import time
import weakref
from typing import Any, Protocol

from jobreporter._system import threads
from jobreporter._system.child_exit import ChildExit
from jobreporter._system.gate import GATE
from jobreporter._system.greenlets import patched_by
from jobreporter._system.log_at_exit import spare_the_exit
from jobreporter._system.signal_handlers import in_signal_handler

# Seconds for which a fork waits at most for threads to come to rest.
PATIENCE = 0.5

# Seconds between two looks at whether they have.
LOOK = 0.0002

# Seconds that threads get to end in, once all is handed out at exit. Only those that hang need them.
LEAVING = 0.2


class Registered(Protocol):
    """What lives in a process."""

    def forking(self) -> None:
        """This process is about to fork: have the threads come to the `GATE`. Returns at once."""

    def at_rest(self) -> bool:
        """Whether no thread runs anything but jobreporter's own code."""

    def forked(self) -> object:
        """This is the child: forget the parent's events and threads. Returns what must never be finalized here."""

    def exiting(self) -> None:
        """The interpreter exits: hand out what can be, and count the rest."""


_registered: weakref.WeakSet[Any] = weakref.WeakSet()

# What a child inherits from its parent and must not finalize: to free the parent's event loop, or a file with something
# in its buffer, would change what they share.
_inherited: list[object] = []


def register(registered: Registered) -> None:
    """Tell this one of forks and of the exit, for as long as it exists."""
    _registered.add(registered)
    _child_exit.see_to_it()


def _forking() -> None:
    GATE.close()
    # A greenlet is at rest wherever it isn't the one that runs.
    busy = [] if patched_by() is not None else list(_registered)
    for registered in busy:
        registered.forking()
    busy = [registered for registered in busy if not registered.at_rest()]
    # What a signal handler has interrupted may hold what a thread needs to come to rest: then nobody waits.
    if busy and not in_signal_handler():
        end = time.monotonic() + PATIENCE
        while busy and time.monotonic() < end:
            time.sleep(LOOK)
            busy = [registered for registered in busy if not registered.at_rest()]


def _forked_in_parent() -> None:
    GATE.open()


def _forked() -> None:
    GATE.renew()
    _inherited.extend(registered.forked() for registered in list(_registered))
    _child_exit.see_to_it()


def _end() -> None:
    for registered in list(_registered):
        registered.exiting()


def _exiting() -> None:
    running = threads.own()
    _end()
    # An interpreter within a server's process can't end while it has threads: Python would abort the process.
    if patched_by() is None:
        threads.see_off(running, LEAVING)
    # Logging has registered its own end before us, so that comes after this.
    spare_the_exit()


_child_exit = ChildExit(_end)
os.register_at_fork(before=_forking, after_in_parent=_forked_in_parent, after_in_child=_forked)
atexit.register(_exiting)
