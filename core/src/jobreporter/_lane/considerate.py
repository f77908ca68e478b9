"""Calls of hooks that let other greenlets run in between."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, cast

from jobreporter._plugins.hooks import Call
from jobreporter._system.greenlets import patched_by

#: Seconds for which a lane keeps the other greenlets waiting at most, apart from what one hook takes.
SLICE = 0.002


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
    considerate_call.implementation = call.implementation
    considerate_call.threads_state = call.threads_state
    considerate_call.asynchronous = call.asynchronous
    return considerate_call
