"""What is written on a message when a job is enqueued, for queues whose messages don't say it themselves.

A stamp is a dict of plain data: ``enqueued_at``, and what the job inherits from the job that enqueues it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from jobreporter import Execution

#: Under this name a message carries its stamp.
KEY = "jobreporter"

_LINEAGE = ("correlation_id", "root_id", "parent_id")


def stamped(former: object = None) -> dict[str, Any]:
    """The stamp of a message that is sent now.

    former: the stamp that it bears already. Whoever enqueues a job may have written a ``correlation_id`` there, and a
    job that is enqueued again, for another attempt, is not its own parent: what it says stays.
    """
    stamp = {field: value for field, value in fields_of(former).items() if field in _LINEAGE}
    execution = Execution.current()
    # A message that names an ancestor was enqueued before.
    if execution is not None and "root_id" not in stamp:
        job = execution.job
        stamp = {"correlation_id": job.correlation_id or job.id, **stamp}
        stamp |= {"root_id": job.root_id or job.id, "parent_id": job.id}
    return {"enqueued_at": time.time(), **stamp}


def fields_of(stamp: object) -> dict[str, Any]:
    """The fields of `Job` that a stamp tells. A message comes from outside: what is no stamp tells nothing."""
    if not isinstance(stamp, Mapping):
        return {}
    fields: dict[str, Any] = {name: stamp[name] for name in _LINEAGE if isinstance(stamp.get(name), str)}
    enqueued_at = stamp.get("enqueued_at")
    if isinstance(enqueued_at, int | float):
        fields["enqueued_at"] = float(enqueued_at)
    return fields
