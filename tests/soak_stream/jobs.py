"""What the jobs of the soak do: each is told how to end, how long to take, and whether to wait for the stream."""

from __future__ import annotations

import time

from jobreporter import Abort

from .journal import Journal


class Wanted(Exception):  # noqa: N818 - it says what the failure is
    """A failure that was asked for."""


def work(journal: Journal, ending: str, seconds: float, *, flushes: bool) -> None:
    """Take a while, and end as told."""
    journal.begins(ending)
    if flushes:
        journal.flush()
    time.sleep(seconds)
    if ending == "skip":
        raise Abort("skipped")
    if ending != "success":
        raise Wanted(ending)
