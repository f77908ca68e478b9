"""What Huey knows of a job, as the fields of a `Job`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from huey.api import PeriodicTask

from jobreporter.sourcekit import new_delivery


def job_fields(huey: Any, task: Any) -> dict[str, Any]:
    """The fields of `Job`. Huey's messages carry no time of enqueueing, and nothing that correlates jobs."""
    extra: dict[str, Any] = {}
    if isinstance(task, PeriodicTask):
        extra["periodic"] = True
    if task.expires_resolved:
        extra["expires_at"] = unix_time(huey, task.expires_resolved)
    if task.timeout:
        extra["timeout"] = task.timeout
    # Retries count down from a default that a single job may override, which its message doesn't tell.
    attempt = max(1, task.default_retries - task.retries + 1)
    return {
        "name": f"{type(task).__module__}.{type(task).__name__}",
        "function": function_of(task),
        "source": "huey",
        "id": str(task.id),
        # A retry that the job asked for has the same number again, so the two don't identify an execution.
        "execution_id": f"{task.id}:{attempt}:{new_delivery()}",
        "queue": huey.name,
        "args": tuple(task.args),
        "kwargs": task.kwargs,
        "attempt": attempt,
        "max_attempts": attempt + task.retries,
        "scheduled_at": unix_time(huey, task.eta) if task.eta else None,
        "priority": task.priority if isinstance(task.priority, int) else None,
        "extra": extra,
    }


def unix_time(huey: Any, moment: datetime) -> float:
    """Unix time of one of Huey's naive times."""
    return (moment.replace(tzinfo=UTC) if huey.utc else moment).timestamp()


def function_of(task: Any) -> Callable[..., Any] | None:
    """The function whose signature names the arguments. Huey keeps it in the closure of ``execute`` only."""
    execute = type(task).execute
    code, closure = getattr(execute, "__code__", None), getattr(execute, "__closure__", None)
    cells = dict(zip(code.co_freevars, closure, strict=True)) if code and closure else {}
    return cells["func"].cell_contents if "func" in cells else None
