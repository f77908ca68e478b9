"""Signals in words, for sources that tell what ended a process."""

from __future__ import annotations

import signal


def signal_name(number: int) -> str:
    """``SIGSEGV`` for 11; a real-time signal has no name of its own."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
