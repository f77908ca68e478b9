"""What keeps an error of ours from becoming the job's."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from jobreporter._system.log_aside import log_aside

logger = logging.getLogger("jobreporter")

Self = TypeVar("Self")
P = ParamSpec("P")
R = TypeVar("R")


def harmless(receiver: Callable[Concatenate[Self, P], R]) -> Callable[Concatenate[Self, P], R | None]:
    """A method that a job queue calls.

    An ``Exception`` of its own ends here: the first of each method is logged at ERROR with its traceback, ``None`` is
    returned, and the job goes on. What is raised into the job from outside, such as a ``KeyboardInterrupt``, still arrives there.
    """
    return harmless_but_for()(receiver)


def harmless_but_for(
    *raised_from_outside: type[BaseException],
) -> Callable[[Callable[Concatenate[Self, P], R]], Callable[Concatenate[Self, P], R | None]]:
    """`harmless`, where a job queue's time limit or order to stop is an ``Exception`` too: these still arrive.

    raised_from_outside: their classes.
    """

    def wrap(receiver: Callable[Concatenate[Self, P], R]) -> Callable[Concatenate[Self, P], R | None]:
        told = False

        @functools.wraps(receiver)
        def receive(self: Self, /, *args: P.args, **kwargs: P.kwargs) -> R | None:
            nonlocal told
            try:
                return receiver(self, *args, **kwargs)
            except raised_from_outside:
                raise
            except Exception as error:
                if not told:
                    told = True
                    text = "a job could not be reported; further errors of this kind are not logged"
                    log_aside(logger, logging.ERROR, text, error=error)
                return None

        return receive

    return wrap
