"""One job that fails, for ``jobreporter check --app``."""

from __future__ import annotations

from contextlib import suppress

from huey import MemoryHuey
from huey.exceptions import TaskException

from jobreporter import Dispatcher
from jobreporter.sources.huey import attach


def fail_once(dispatcher: Dispatcher, error: Exception) -> None:
    """Execute a task that raises ``error`` as a consumer does it, on a Huey in memory."""
    huey = MemoryHuey("jobreporter.check")
    attach(huey, dispatcher)

    def fail() -> None:
        raise error

    huey.task(name="jobreporter.check")(fail)()
    with suppress(TaskException):
        huey.execute(huey.dequeue())
