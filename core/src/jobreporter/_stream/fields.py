"""The order of fields in an encoded batch: the one place that says it.

Each record is an array of its fields. **A field that is new goes to the end of its row, and nothing here is ever
moved or removed**: batches that were written by other versions are read by this table. A reader ignores what stands
behind the fields that it knows, and where fields are missing at the end, their defaults hold.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple, Union, get_type_hints

import msgspec

from jobreporter.context import Origin
from jobreporter.error_info import ErrorInfo, Frame
from jobreporter.events import Aborted, Event, Failure, Job, Started, Stopped, Success

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


def _row(
    name: str, record: type[msgspec.Struct], fields: tuple[str, ...], nested: dict[str, Any] | None = None, **more: Any
) -> Any:
    """The fields of a record as an array with the record's own types and defaults.

    nested: the types of fields that hold other records, which are arrays too.
    """
    known = {field.name: field for field in msgspec.structs.fields(record)}
    types = {**get_type_hints(record), **(nested or {})}
    # A job's index comes before the fields of its events.
    given: list[Any] = [("job", Index)] if "tag" in more else []
    given += [(field.name, types[field.name], _default(field)) for field in map(known.__getitem__, fields)]
    return msgspec.defstruct(name, given, array_like=True, frozen=True, gc=False, module=__name__, **more)


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.field(default_factory=field.default_factory)
    return msgspec.field() if field.required else msgspec.field(default=field.default)


OriginRow: Any = _row("OriginRow", Origin, ORIGIN)
JobRow: Any = _row("JobRow", Job, JOB)
FrameRow: Any = _row("FrameRow", Frame, FRAME)
_ERRORS = {
    "frames": "tuple[FrameRow, ...]",
    "cause": "ErrorRow | None",  # resolved by their names in this module
    "context": "ErrorRow | None",
    "exceptions": "tuple[ErrorRow, ...]",
}
ErrorRow: Any = _row("ErrorRow", ErrorInfo, ERROR, _ERRORS)
#: The rows of events in the order of their numbers. Encoded, a row begins with its number.
EVENT_ROWS: Any = tuple(
    _row(f"{kind.record.__name__}Row", kind.record, kind.fields, {"error": ErrorRow}, tag=kind.number) for kind in KINDS
)
EventRow: Any = Union[EVENT_ROWS]  # noqa: UP007 - made from the table

_BATCH: list[Any] = [
    ("producer", bytes),
    ("first", int),
    ("origin", OriginRow),
    ("jobs", list[JobRow]),
    ("events", list[EventRow]),
    ("only", str | None, None),
]
#: A whole batch.
BatchRow: Any = msgspec.defstruct("BatchRow", _BATCH, array_like=True, gc=False)
