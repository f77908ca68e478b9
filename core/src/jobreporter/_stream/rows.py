"""What the rows of an encoded batch are decoded to, made from the table in `fields`. A worker only encodes, and has no use for it."""

from __future__ import annotations

from typing import Any, Union, get_type_hints

import msgspec

from jobreporter._stream import fields
from jobreporter.context import Origin
from jobreporter.error_info import ErrorInfo, Frame
from jobreporter.events import Job


def _row(
    name: str, record: type[msgspec.Struct], names: tuple[str, ...], nested: dict[str, Any] | None = None, **more: Any
) -> Any:
    """The fields of a record as an array with the record's own types and defaults.

    nested: the types of fields that hold other records, which are arrays too.
    """
    known = {field.name: field for field in msgspec.structs.fields(record)}
    types = {**get_type_hints(record), **(nested or {})}
    # A job's index comes before the fields of its events.
    given: list[Any] = [("job", fields.Index)] if "tag" in more else []
    given += [(field.name, types[field.name], _default(field)) for field in map(known.__getitem__, names)]
    return msgspec.defstruct(name, given, array_like=True, frozen=True, gc=False, module=__name__, **more)


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.field(default_factory=field.default_factory)
    return msgspec.field() if field.required else msgspec.field(default=field.default)


OriginRow: Any = _row("OriginRow", Origin, fields.ORIGIN)
JobRow: Any = _row("JobRow", Job, fields.JOB)
FrameRow: Any = _row("FrameRow", Frame, fields.FRAME)
_ERRORS = {
    "frames": "tuple[FrameRow, ...]",
    "cause": "ErrorRow | None",  # resolved by their names in this module
    "context": "ErrorRow | None",
    "exceptions": "tuple[ErrorRow, ...]",
}
ErrorRow: Any = _row("ErrorRow", ErrorInfo, fields.ERROR, _ERRORS)
#: The rows of events in the order of their numbers. Encoded, a row begins with its number.
EVENT_ROWS: Any = tuple(
    _row(f"{kind.record.__name__}Row", kind.record, kind.fields, {"error": ErrorRow}, tag=kind.number)
    for kind in fields.KINDS
)
EventRow: Any = Union[EVENT_ROWS]  # noqa: UP007 - made from the table

_BATCH: list[Any] = [
    ("producer", bytes),
    ("first", int),
    ("origin", OriginRow),
    ("jobs", list[JobRow]),
    ("events", list[EventRow]),
    ("only", str | None, None),
    # Relays alone look at it, so nothing depends on what is there.
    ("through", msgspec.Raw, msgspec.Raw()),
]
#: A whole batch.
BatchRow: Any = msgspec.defstruct("BatchRow", _BATCH, array_like=True, gc=False)
