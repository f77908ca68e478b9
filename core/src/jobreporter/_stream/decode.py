"""Batches back into events, those of other versions too.

All of a batch is decoded at once, with its types checked. Only where that fails it is looked at event by event: what
this version can't read becomes an `Unknown`, and the rest become events.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from jobreporter._stream import fields, frame, rows
from jobreporter._stream.raw_batch import UNEXPECTED, RawBatch
from jobreporter.context import Origin
from jobreporter.error_info import ErrorInfo, Frame
from jobreporter.events import Event, Failure, Job


class Unknown(NamedTuple):
    """An event that this version can't read."""

    #: Why, in half a sentence.
    reason: str


class Decoded(NamedTuple):
    """A batch that was read."""

    producer: bytes
    #: The number of the first event.
    first: int
    origin: Origin
    events: Sequence[Event | Unknown]
    #: The one reporter that they are for; ``None``: they are for every one.
    only: str | None
    #: How many bytes they take, decompressed: about what they take in memory.
    size: int = 0


_body = msgspec.msgpack.Decoder(rows.BatchRow)
_origin = msgspec.msgpack.Decoder(rows.OriginRow)
_job = msgspec.msgpack.Decoder(rows.JobRow)
_event = msgspec.msgpack.Decoder(rows.EventRow)


def decode(data: bytes) -> Decoded:
    """The events of a batch. Raises Unreadable for bytes that are damaged or no batch at all."""
    body = frame.unframed(frame.EVENTS, data)
    try:
        typed = _body.decode(body)
        jobs = list(map(built_job, typed.jobs))
        events = [_BUILT_EVENTS[type(row)](row, jobs[row.job]) for row in typed.events]
    except (*UNEXPECTED, IndexError):
        return _event_by_event(data, len(body))
    return Decoded(typed.producer, typed.first, built_origin(typed.origin), events, typed.only, len(body))


def _event_by_event(data: bytes, size: int) -> Decoded:
    raw = RawBatch(data)
    jobs = list(map(_job_or_why, raw.jobs))
    events = [_event_or_unknown(row, jobs) for row in raw.events]
    try:
        origin = built_origin(_origin.decode(raw.origin))
    except UNEXPECTED:
        origin = Origin(host="", pid=0, version="")
    return Decoded(raw.producer, raw.first, origin, events, raw.only, size)


def _job_or_why(raw: msgspec.Raw) -> Job | str:
    try:
        return built_job(_job.decode(raw))
    except UNEXPECTED as error:
        return f"its job: {error}"


def _event_or_unknown(raw: msgspec.Raw, jobs: Sequence[Job | str]) -> Event | Unknown:
    try:
        row = _event.decode(raw)
    except UNEXPECTED as error:
        return Unknown(str(error))
    job = jobs[row.job] if row.job < len(jobs) else "it refers to a job that isn't there"
    return Unknown(job) if isinstance(job, str) else built_event(row, job)


def _builder(record: type[Any], names: Sequence[str], **nested: Callable[[Any], Any]) -> Callable[..., Any]:
    """Writes and compiles ``lambda row: Record(id=row.id, ...)``, as dataclasses write ``__init__``.

    A loop over the names takes twice as long, and every event goes through here. nested: what makes a field out of the
    row's. Only names out of the table get into the text.
    """
    given = [f"{name}=nested[{name!r}](row.{name})" if name in nested else f"{name}=row.{name}" for name in names]
    takes, gives = ("row, job", ["job=job"]) if issubclass(record, Event) else ("row", [])
    source = f"lambda {takes}: record({', '.join([*gives, *given])})"
    known = {"record": record, "nested": nested}
    made: Callable[..., Any] = eval(source, known)  # noqa: S307 - the text is ours, see above
    return made


def _built_frames(rows: Sequence[Any]) -> tuple[Frame, ...]:
    return tuple(map(_built_frame, rows))


def _built_if_any(row: Any) -> ErrorInfo | None:
    return None if row is None else _built_error(row)


def _built_errors(rows: Sequence[Any]) -> tuple[ErrorInfo, ...]:
    return tuple(map(_built_error, rows))


built_job: Callable[[Any], Job] = _builder(Job, fields.JOB)
built_origin: Callable[[Any], Origin] = _builder(Origin, fields.ORIGIN)
_built_frame: Callable[[Any], Frame] = _builder(Frame, fields.FRAME)
_built_error: Callable[[Any], ErrorInfo] = _builder(
    ErrorInfo,
    fields.ERROR,
    frames=_built_frames,
    cause=_built_if_any,
    context=_built_if_any,
    exceptions=_built_errors,
)
_BUILT_EVENTS: dict[type[Any], Callable[[Any, Job], Event]] = {
    row: _builder(kind.record, kind.fields, **({"error": _built_error} if kind.record is Failure else {}))
    for row, kind in zip(rows.EVENT_ROWS, fields.KINDS, strict=True)
}


def built_event(row: Any, job: Job) -> Event:
    """The event of a row."""
    return _BUILT_EVENTS[type(row)](row, job)
