"""What is written on a message when a job is enqueued, for queues whose messages don't say it themselves.

A stamp is a dict of plain data: ``enqueued_at``, and what the job inherits from the job that enqueues it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from jobreporter import Execution

#: Under this name a message carries its stamp: a header, an option, a field, whatever the queue has room for.
STAMP_KEY = "jobreporter"

#: The fields of `Job` that a job inherits from the one that enqueues it.
LINEAGE = ("correlation_id", "root_id", "parent_id")


def stamped(former: object = None) -> dict[str, Any]:
    """The stamp of a message that is sent now, in any process: plain data that goes through JSON.

    former: the stamp that it bears already. Whoever enqueues a job may have written a ``correlation_id`` there, and a
    job that is enqueued again, for another attempt, is not its own parent: what it says stays.
    """
    stamp = {field: value for field, value in fields_of_stamp(former).items() if field in LINEAGE}
    execution = Execution.current()
    # A message that names an ancestor was enqueued before.
    if execution is not None and "root_id" not in stamp:
        job = execution.job
        stamp = {"correlation_id": job.correlation_id or job.id, **stamp}
        stamp |= {"root_id": job.root_id or job.id, "parent_id": job.id}
    return {"enqueued_at": time.time(), **stamp}


def fields_of_stamp(stamp: object) -> dict[str, Any]:
    """The fields of `Job` that a stamp tells. A message comes from outside: what is no stamp tells nothing."""
    if not isinstance(stamp, Mapping):
        return {}
    fields: dict[str, Any] = {name: stamp[name] for name in LINEAGE if isinstance(stamp.get(name), str)}
    enqueued_at = moment_of(stamp.get("enqueued_at"))
    if enqueued_at is not None:
        fields["enqueued_at"] = enqueued_at
    return fields


def moment_of(value: object) -> float | None:
    """Unix seconds out of a stamp: a finite number, or nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        moment = float(value)
    except OverflowError:
        return None
    return moment if math.isfinite(moment) else None


def count_of(value: object) -> int | None:
    """A number of retries out of a stamp or a message: a whole number from 0 on that can be counted to, or nothing."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else None
