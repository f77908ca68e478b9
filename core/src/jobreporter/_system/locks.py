"""Locks that are held for moments only."""

from __future__ import annotations

from _thread import LockType

# Seconds, many times over what any of them is held for.
LONGEST_HOLD = 0.5


def free(lock: LockType) -> None:
    """Release the lock if whoever took it will not.

    For a thread that was interrupted by an exception somewhere, and may have been about to release it.
    """
    lock.acquire(timeout=LONGEST_HOLD)  # held for longer than that, it was left behind
    lock.release()
