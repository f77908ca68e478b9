"""Which process this is, and names for what has none."""

from __future__ import annotations

import itertools
import os
import platform


class Identity:
    """Of one process. A forked child makes its own."""

    def __init__(self) -> None:
        self.host = platform.node()
        self.pid = os.getpid()
        #: What `Job.worker` says.
        self.worker = f"{self.host}:{self.pid}"
        # Random once for a process, then counted: a tenth of what a UUID for each job costs.
        self._prefix = os.urandom(8).hex()
        self._numbers = itertools.count(1)

    def new_id(self) -> str:
        """An id that no other job has, in any process."""
        return f"{self._prefix}-{next(self._numbers)}"
