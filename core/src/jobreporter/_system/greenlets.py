"""Processes whose threads are greenlets, because gevent or eventlet has patched them.

jobreporter's own threads are greenlets there as well, beside those of the jobs. For that, whatever makes a lock or starts
a thread looks its function up in ``_thread`` when it does so: a name that was bound at import may be from before the
patch, and a greenlet that waits for such a lock stops all the others.

Nothing is imported from either library, and where neither has patched anything, nothing costs more than a look.
"""

from __future__ import annotations

import _thread
import sys
from types import FrameType
from typing import Any


def patched_by() -> str | None:
    """The library that has made threads into greenlets, ``gevent`` or ``eventlet``; ``None`` where they are threads."""
    library = str(getattr(_thread.start_new_thread, "__module__", "")).partition(".")[0]
    return library if library in {"gevent", "eventlet"} else None


def current() -> Any:
    """The greenlet that runs this; ``None`` where threads are threads."""
    return None if patched_by() is None else sys.modules["greenlet"].getcurrent()


def frame_of(greenlet: Any) -> FrameType | None:
    """The innermost frame of a greenlet that waits."""
    frame: FrameType | None = greenlet.gr_frame
    return frame
