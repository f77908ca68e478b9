"""Processes whose threads are greenlets, because gevent or eventlet has patched them.

jobreporter's own threads are greenlets there as well, beside those of the jobs. For that, whatever makes a lock or starts
a thread looks its function up in ``_thread`` when it does so: a name that was bound at import may be from before the
patch, and a greenlet that waits for such a lock stops all the others.

Nothing is imported from either library, and where neither has patched anything, nothing costs more than a look.
"""

from __future__ import annotations

import _thread
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, cast

from jobreporter._plugins.hooks import Call

#: Seconds for which a lane keeps the other greenlets waiting at most, apart from what one hook takes.
SLICE = 0.002


def patched_by() -> str | None:
    """The library that has made threads into greenlets, ``gevent`` or ``eventlet``; ``None`` where they are threads."""
    library = str(getattr(_thread.start_new_thread, "__module__", "")).partition(".")[0]
    return library if library in {"gevent", "eventlet"} else None


def considerate(call: Call) -> Call:
    """The same call, letting other greenlets run after it if they have waited for long.

    Threads take turns by themselves. A greenlet that handles a burst of events goes on until it waits for something.
    """
    library = patched_by()
    if library is None:
        return call
    sleep: Callable[[float], object] = sys.modules[library].sleep
    slept_at = 0.0

    def call_and_rest(event: Any, state: Any) -> Any:
        nonlocal slept_at
        result = call(event, state)
        if time.monotonic() - slept_at >= SLICE:
            sleep(0)
            slept_at = time.monotonic()
        return result

    considerate_call = cast(Call, call_and_rest)
    considerate_call.hook = call.hook
    considerate_call.threads_state = call.threads_state
    considerate_call.asynchronous = call.asynchronous
    return considerate_call


def current() -> Any:
    """The greenlet that runs this; ``None`` where threads are threads."""
    return None if patched_by() is None else sys.modules["greenlet"].getcurrent()


def frame_of(greenlet: Any) -> FrameType | None:
    """The innermost frame of a greenlet that waits."""
    frame: FrameType | None = greenlet.gr_frame
    return frame
