"""The order of fields in an encoded batch: the one place that says it.

Each record is an array of its fields. **A field that is new goes to the end of its row, and nothing here is ever
moved or removed**: batches that were written by other versions are read by this table. A reader ignores what stands
behind the fields that it knows, and where fields are missing at the end, their defaults hold.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import msgspec

from jobreporter.events import Aborted, Event, Failure, Started, Stopped, Success

#: Of a job in its batch.
Index = Annotated[int, msgspec.Meta(ge=0)]

ORIGIN = ("host", "pid", "version", "service", "environment", "release")

JOB = (
    *("id", "execution_id", "name", "source", "queue", "args", "kwargs", "attempt", "max_attempts", "enqueued_at"),
    *("scheduled_at", "priority", "worker", "correlation_id", "root_id", "parent_id", "extra"),
)

FRAME = ("filename", "lineno", "function", "module", "line", "locals", "in_app")

ERROR = (
    *("type", "message", "mro", "frames", "frames_omitted", "cause", "context", "suppress_context", "notes"),
    *("exceptions",),
)


class Kind(NamedTuple):
    """How one kind of event is encoded: its number, the index of its job in the batch, and then these fields."""

    number: int
    record: type[Event]
    fields: tuple[str, ...]


#: The index of a kind is its number.
KINDS = (
    Kind(0, Started, ("at",)),
    Kind(1, Success, ("at", "duration", "queue_wait", "tags")),
    Kind(2, Aborted, ("at", "reason", "will_retry", "duration", "tags")),
    Kind(
        3,
        Failure,
        ("at", "error", "kind", "will_retry", "retry_delay", "duration", "queue_wait", "tags", "exit_status"),
    ),
    Kind(4, Stopped, ("at", "outcome", "duration")),
)

#: The kind that begins an execution. Each other one that this version knows ends it.
BEGINS = 0
