"""Keeps a fork from falling into what the reporter does with the program's own Sentry client.

While the client flushes, or starts its thread, it holds a lock, which a child that is forked meanwhile inherits as held:
the child's next event, sent by the job itself, would wait for it for ever. So the fork waits instead, for a moment.

What the client was given and has not sent yet, a child inherits as well, and sends a second time with its own first event.
So a child begins with nothing to send.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sentry_sdk.transport import Transport
from sentry_sdk.worker import BackgroundWorker

# Seconds that a fork waits at most: the program's own `before_send` may take any time.
_PATIENCE = 1.0

_turn = threading.Lock()  # held by a fork that waits, so that the reporter doesn't come before it again and again
_busy = threading.RLock()  # held while the reporter uses the client; what it calls there may fork itself
_forking = threading.local()
_unsent: set[Transport] = set()  # what was given to them may still wait in this process


@contextmanager
def no_fork() -> Iterator[None]:
    """A context in which no other thread forks this process, unless it takes longer than a second.

    Another thread that hangs in here, in code of the program's, keeps this one out as long as a fork.
    """
    global _busy  # noqa: PLW0603 - what this has waited for in vain is left to the thread that hangs
    with _turn:
        if not _busy.acquire(timeout=_PATIENCE):
            _busy = threading.RLock()
            _busy.acquire()
        busy = _busy  # what is called here may fork, and go on in the child
    try:
        yield
    finally:
        busy.release()


def given(transport: Transport) -> None:
    """The transport is about to get an event, which it sends in its own time. Called within `no_fork`."""
    _unsent.add(transport)


def sent(transport: Transport) -> None:
    """The transport has sent what it was given. Called within `no_fork`."""
    _unsent.discard(transport)


def _before_fork() -> None:
    _forking.held = [lock for lock in (_turn, _busy) if lock.acquire(timeout=_PATIENCE)]


def _after_fork() -> None:
    for lock in _forking.held:
        lock.release()


def _begin_anew() -> None:
    global _turn, _busy  # noqa: PLW0603 - what the fork has waited for in vain is held by a thread that isn't here
    _after_fork()
    _turn = _turn if _turn in _forking.held else threading.Lock()
    _busy = _busy if _busy in _forking.held else threading.RLock()
    while _unsent:
        transport = _unsent.pop()
        worker = getattr(transport, "_worker", None)
        if type(worker) is BackgroundWorker:  # nothing public empties it, or tells what waits in it
            transport._worker = BackgroundWorker(worker._queue.maxsize)  # type: ignore[attr-defined]  # of those with one


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_begin_anew)
