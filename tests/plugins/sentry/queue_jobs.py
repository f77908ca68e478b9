"""What the jobs of ``queue_program.py`` do. RQ finds a job's function by the name of its module."""

from __future__ import annotations

import threading

attempts: dict[str, int] = {}
#: Set once the first job is over: the second has begun.
second = threading.Event()


def work(name: str, failures: int) -> str:
    """Fails so many times."""
    attempts[name] = attempts.get(name, 0) + 1
    if len(attempts) > 1:
        second.set()
    if attempts[name] <= failures:
        raise ValueError(f"{name} {attempts[name]}")
    return "done"
