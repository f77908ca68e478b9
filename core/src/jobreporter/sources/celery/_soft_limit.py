"""Celery's soft time limit, raised once more where it came while Celery told us something.

It is an ``Exception`` that a signal handler raises, wherever the job happens to be. `Signal.send` takes whatever a
receiver raises for the receiver's own mistake, logs it, and the job would run on without its limit.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
import time
from collections.abc import Callable
from contextvars import Context, copy_context
from types import FrameType
from typing import Concatenate, ParamSpec, TypeVar

from billiard.pool import SIG_SOFT_TIMEOUT
from celery.exceptions import SoftTimeLimitExceeded
from celery.utils.dispatch import Signal

from jobreporter import Execution
from jobreporter.sourcekit import harmless_but_for

#: Seconds between two looks at whether Celery is done telling.
_LOOK = 0.001


Self = TypeVar("Self")
P = ParamSpec("P")
Receiver = Callable[Concatenate[Self, P], None]


def uninterrupted(receiver: Receiver[Self, P]) -> Receiver[Self, P]:
    """A receiver that gets to its end: it is called again if something is raised into it, which goes on after that.

    Its own errors end here, and so does the soft time limit: it came when the job's own code was over.
    """
    return _wrap(receiver, lambda: None)


def before_the_limit(receiver: Receiver[Self, P]) -> Receiver[Self, P]:
    """`uninterrupted`, for what is told before the job's own code, or within: that is where the limit arrives then."""

    return _wrap(receiver, _raise_later)


def _wrap(receiver: Receiver[Self, P], limited: Callable[[], None]) -> Receiver[Self, P]:
    inside = harmless_but_for(SoftTimeLimitExceeded)(receiver)

    @functools.wraps(receiver)
    def receive(self: Self, /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            receiver(self, *args, **kwargs)
        except BaseException as error:
            interruption: BaseException = error
        else:
            return
        # Outside of the handler, where the receiver sees the job's exception, and not this one. What is its own mistake,
        # it mostly makes once more.
        inside(self, *args, **kwargs)
        if isinstance(interruption, SoftTimeLimitExceeded):
            limited()
        elif not isinstance(interruption, Exception):
            raise interruption

    return receive


def _raise_later() -> None:
    """Raise the limit into the job that runs in this thread, from another one."""
    execution = Execution.current()
    if execution is not None:
        arguments = (copy_context(), execution, threading.get_ident())
        threading.Thread(target=raise_into, args=arguments, name="jobreporter-soft-limit", daemon=True).start()


def raise_into(context: Context, execution: Execution, thread: int) -> None:
    """Send the signal of the soft time limit once more, when Celery no longer waits for a receiver of its signals.

    If the execution ends before, there is nothing left to limit. context: the one in which it runs.
    """
    while context.run(Execution.current) is execution:
        if not _in_receiver(sys._current_frames().get(thread)):
            os.kill(os.getpid(), SIG_SOFT_TIMEOUT)
            return
        time.sleep(_LOOK)


def _in_receiver(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code is Signal.send.__code__:
            return True
        frame = frame.f_back
    return False
