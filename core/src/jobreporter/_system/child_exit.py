"""The end of a process that multiprocessing has forked.

It runs none of the exit handlers that it has inherited, and up to Python 3.12 none at all
(https://github.com/python/cpython/issues/83856): only multiprocessing's own finalizers.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

# The lowest priority: after what programs and sources have registered.
_LAST = -(1 << 30)


class ChildExit:
    """Has something done at the end of each child of multiprocessing, this process or those that it will fork."""

    def __init__(self, end: Callable[[], object]) -> None:
        self._end = end
        self._watches = False
        self._seen_to_in = 0

    def see_to_it(self) -> None:
        """Call this in a child after the fork, and wherever there is something new to end.

        It imports nothing: as long as a program hasn't imported multiprocessing, this process is no child of it.
        """
        util: Any = sys.modules.get("multiprocessing.util")
        if util is None:
            return
        if not self._watches:
            self._watches = True
            # A child's finalizers are cleared as it begins, and then it calls these.
            util.register_after_fork(self, ChildExit._begin)
        if self._seen_to_in != os.getpid() and sys.modules["multiprocessing.process"].parent_process() is not None:
            self._begin()

    def _begin(self) -> None:
        self._seen_to_in = os.getpid()
        sys.modules["multiprocessing.util"].Finalize(None, self._end, exitpriority=_LAST)
