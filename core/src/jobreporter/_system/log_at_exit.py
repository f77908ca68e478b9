"""What stdlib logging waits for at exit, and whom it shouldn't.

``logging.shutdown`` takes the lock of every handler, one after the other. A reporter's thread that hangs in a handler, on a
pipe that nobody reads, say, holds that handler's lock for good: the process would never end.
"""

from __future__ import annotations

import logging
import sys
import time
from types import FrameType

from jobreporter._system import threads

# Seconds for which threads that are about to leave a handler get the time to.
PATIENCE = 0.1

# Seconds between two looks.
LOOK = 0.005


def spare_the_exit() -> None:
    """Keep logging from waiting for handlers in which threads of jobreporter's own hang.

    Such a handler is neither flushed nor closed. It couldn't be: whoever tried would wait as well.
    """
    stuck = _occupied()
    end = time.monotonic() + PATIENCE
    while stuck and time.monotonic() < end:
        time.sleep(LOOK)
        still = _occupied()
        stuck = {key: handler for key, handler in stuck.items() if key in still}
    if stuck:
        # There is no public way to that; what else takes this list is logging's own `shutdown`.
        handlers = getattr(logging, "_handlerList", [])
        handlers[:] = [reference for reference in handlers if id(reference()) not in stuck]


def _occupied() -> dict[int, logging.Handler]:
    """The handlers in which threads of our own are, by their ids."""
    own = {thread.ident for thread in threads.own()}
    found: dict[int, logging.Handler] = {}
    for thread, innermost in sys._current_frames().items():
        frame: FrameType | None = innermost if thread in own else None
        while frame is not None:
            if frame.f_code is logging.Handler.handle.__code__:
                handler = frame.f_locals["self"]
                found[id(handler)] = handler
            frame = frame.f_back
    return found
