"""What the jobs of the soak do: each is told how to end, how long to take, and whether to wait for the reporters."""

from __future__ import annotations

import time

from jobreporter import Abort, Execution

from .journal import Journal


class Declined(Exception):  # noqa: N818 - it says what the failure is
    """A failure that was asked for."""


class SoldOut(Exception):  # noqa: N818 - as above
    """Another one."""


class Wanted(Exception):  # noqa: N818 - as above
    """A failure after which the job is tried once more."""


def work(journal: Journal, ending: str, seconds: float, *, flushes: bool) -> None:
    """Take a while, and end as told."""
    journal.begins(ending)
    if flushes:
        journal.flush()
    time.sleep(seconds)
    journal.ends()
    if ending == "skip":
        raise Abort("skipped")
    if ending == "card":
        charge()
    if ending == "stock":
        ship()
    if ending == "retry":
        raise Wanted(unlike_others())


def charge() -> None:
    raise Declined(unlike_others())


def ship() -> None:
    raise SoldOut(unlike_others())


def unlike_others() -> str:
    """A message that nobody else has: it must not tell an incident's failures apart."""
    execution = Execution.current()
    return f"what was asked for by {execution.job.id if execution is not None else 'nobody'}"
