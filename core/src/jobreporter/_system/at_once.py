"""Several steps that nothing comes between."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from operator import call


def at_once(*steps: Callable[[], object]) -> None:
    """Take all of the steps, in order.

    They must be the interpreter's own functions, such as bound methods of a deque and partials of `setattr`. Then no
    instruction lies between them, so an exception that is thrown into the thread comes before the first or after the last.
    """
    deque(map(call, steps), maxlen=0)
