"""Whether the running code is a signal handler's."""

from __future__ import annotations

import sys
import threading
from types import FrameType

_OPTIMIZED = 0x01  # as inspect.CO_OPTIMIZED: a function


def in_signal_handler() -> bool:
    """Whether a signal handler runs on this thread, as far as that can be told.

    Python hands a handler the frame that it has interrupted, which is the one that the handler's own returns to. Nobody
    else's arguments are like that. A handler that isn't a function of Python's is not recognised.
    """
    if threading.current_thread() is not threading.main_thread():
        return False
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_back is not None:
        if frame.f_code.co_flags & _OPTIMIZED and _was_given(frame, frame.f_back):
            return True
        frame = frame.f_back
    return False


def _was_given(frame: FrameType, interrupted: FrameType) -> bool:
    return any(
        value is interrupted or (type(value) is tuple and any(each is interrupted for each in value))
        for value in frame.f_locals.values()
    )
