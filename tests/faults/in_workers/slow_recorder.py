"""A recorder that takes its time: what a worker doesn't wait for before it exits is lost, and not delivered by luck."""

from __future__ import annotations

import time

from jobreporter import Event
from jobreporter.testing import FileRecorder


class SlowRecorder(FileRecorder):
    """Each call takes a fiftieth of a second."""

    def _append(self, hook: str, state: int | None = None, event: Event | None = None) -> None:
        time.sleep(0.02)
        super()._append(hook, state, event)


CONFIG = """
[reporters.recorder]
use = "slow_recorder:SlowRecorder"
path = "{path}"
"""
