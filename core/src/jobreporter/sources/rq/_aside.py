"""What a worker that forks has to report, reported from a process of its own.

Threads that run when a process forks are missing in the child, and locks that they hold stay locked there. So a worker
that forks for every job starts no reporter itself.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from typing import NoReturn

#: Seconds after which that process is killed. It keeps to a deadline by itself, unless a reporter holds the interpreter's
#: lock; RQ grants a job that much beyond its time limit.
PATIENCE = 60.0

_ENDING = {signal.SIGTERM, signal.SIGINT}


def aside(report: Callable[[], None]) -> None:
    """Run this in a child, and wait for its end. What the worker's signals raise ends the waiting, not the child."""
    ended, ending = os.pipe()
    try:
        try:
            pid = _fork(report)
        finally:
            os.close(ending)
        # The child alone holds that end now, for as long as it lives.
        if not select.select([ended], [], [], PATIENCE)[0]:
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    finally:
        os.close(ended)


def _fork(report: Callable[[], None]) -> int:
    former = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        pid = os.fork()
        if pid == 0:
            _live(report)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)
    return pid


def _live(report: Callable[[], None]) -> NoReturn:
    try:
        # Whoever ends the worker may signal the whole group, and the worker's own way to take that would end this too.
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
        report()
    finally:
        os._exit(0)
