"""Waiting for what threads and processes do by themselves."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Seconds that anything may take before a test gives up on it.
PATIENCE = 30.0


def wait_for(condition: Callable[[], object], what: str, explain: Callable[[], str] = str) -> None:
    """Wait until it holds. Raises AssertionError, with an explanation, after `PATIENCE` seconds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {PATIENCE:g} s\n{explain()}".rstrip())
        time.sleep(0.005)  # between two looks, not in place of one
