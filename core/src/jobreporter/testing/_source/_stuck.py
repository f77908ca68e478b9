"""A reporter that hangs, for the configs of cases."""

from __future__ import annotations

import threading

from jobreporter import hookimpl


class Stuck:
    """It takes the first event that it gets, and never gives it back."""

    @hookimpl
    def handle_started(self) -> None:
        """Wait for nothing."""
        threading.Event().wait()
