"""A log that nobody reads, and that sometimes can't be written, or not at once."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from .notes import PerProcess
from .plan import Round


class Unreliable(logging.Handler):
    """Takes all lines, and sometimes raises on a thread of jobreporter's."""

    def __init__(self, plan: Round) -> None:
        super().__init__()
        self._odds = plan.logging_fails
        self._stalls = plan.logging_stalls
        self._own: tuple[type[BaseException], ...] = (OSError, SystemExit) if plan.kills else (OSError,)
        self._dice = plan.dice("logging")
        #: One for each line that raised.
        self.failures: PerProcess[list[None]] = PerProcess(list)
        #: How threads ended that should not have.
        self.deaths: PerProcess[list[str]] = PerProcess(list)

    def emit(self, record: logging.LogRecord) -> None:
        """Raise, take a while with the lock held, or do nothing."""
        on_lane = threading.current_thread().name.startswith("jobreporter-")  # asyncio logs there too
        if on_lane and record.name == "jobreporter" and self._dice.random() < self._odds:
            self.failures().append(None)
            raise OSError("no space left to log on")
        if on_lane and record.name.startswith("jobreporter") and self._dice.random() < self._stalls:
            time.sleep(0.3)

    def note_death(self, details: threading.ExceptHookArgs) -> None:
        """Called for a thread that an exception ended: one of the soak's own making doesn't count."""
        if not isinstance(details.exc_value, self._own):
            trace = traceback.format_exception(details.exc_type, details.exc_value, details.exc_traceback)
            self.deaths().append("a thread ended: " + "".join(trace))


@contextmanager
def unreliable(plan: Round) -> Iterator[Unreliable]:
    """Keep the log off the screen, and note what ends threads."""
    handler = Unreliable(plan)
    root, hook = logging.getLogger(), threading.excepthook
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    threading.excepthook = handler.note_death
    try:
        yield handler
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        threading.excepthook = hook
