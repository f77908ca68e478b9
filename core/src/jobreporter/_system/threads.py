"""Starting threads of jobreporter's own."""

from __future__ import annotations

import _thread
import threading
import time
from collections.abc import Callable, Iterable

#: The names of all of them begin so.
PREFIX = "jobreporter-"

#: Those that were started and have yet to begin: nothing else tells of them, and a stepped clock waits for them. A list's
#: own append and remove need no lock.
STARTING: list[object] = []

# Seconds between two looks at whether all have begun.
LOOK = 0.001


def start(run: Callable[[], object], name: str, failed: Callable[[BaseException], object]) -> None:
    """Start a daemon thread, waiting neither for it nor for a lock.

    ``Thread.start`` takes a lock of the threading module's, which the code that a signal handler has interrupted may
    hold; and it waits for ever for a thread that has no memory to begin. So a bare thread calls it.

    name: comes after `PREFIX`. failed: called by the bare thread, with the error, if it can start no other. Raises
    RuntimeError where not even a bare one can be started: the machine is out of threads, the interpreter shuts down, or it
    allows none.
    """
    started = object()
    try:
        STARTING.append(started)
        _thread.start_new_thread(_start, (run, name, failed, started))
    except BaseException:
        _forget(started)
        raise


def _start(run: Callable[[], object], name: str, failed: Callable[[BaseException], object], started: object) -> None:
    try:
        threading.Thread(target=_run, args=(run,), name=PREFIX + name, daemon=True).start()
    except BaseException as error:  # there is nobody above to tell
        failed(error)
    finally:
        _forget(started)


def _run(run: Callable[[], object]) -> None:
    """The life of a thread.

    Whatever ends takes itself off the list of threads, and says so in a traceback if it isn't there: a greenlet that lives
    on in a forked child, or a thread that was there before gevent patched the module. To ask which thread it is puts it back.
    """
    try:
        run()
    finally:
        threading.current_thread()


def _forget(started: object) -> None:
    try:
        STARTING.remove(started)
    except ValueError:
        pass  # whoever started it was interrupted just before or right after that


def own() -> set[threading.Thread]:
    """Those of jobreporter's own that run now."""
    return {thread for thread in threading.enumerate() if thread.name.startswith(PREFIX)}


def see_off(leaving: Iterable[threading.Thread], seconds: float) -> None:
    """Wait until these threads, and those that were about to begin, have ended in C too, for so long at most: one may hang."""
    end = time.monotonic() + seconds
    while STARTING and time.monotonic() < end:
        time.sleep(LOOK)
    for thread in {*leaving, *own()}:
        thread.join(max(0.0, end - time.monotonic()))
