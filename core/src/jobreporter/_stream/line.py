"""An event as a line of text, for files that people look into: ``[codec, origin, job, event]``.

The parts are the rows of a batch, by the same table, so that a line lasts as long as a batch does. They are JSON, which
takes more room, but can be read, searched and cut.
"""

from __future__ import annotations

from typing import Any

import msgspec

from jobreporter._stream import frame, rows
from jobreporter._stream.decode import built_event, built_job, built_origin
from jobreporter._stream.encode import event_row, job_row, origin_row
from jobreporter._stream.frame import Unreadable
from jobreporter._stream.raw_batch import UNEXPECTED
from jobreporter.context import Origin
from jobreporter.events import Event

_LINE: list[Any] = [
    ("codec", int),
    ("origin", rows.OriginRow),
    ("job", rows.JobRow),
    ("event", rows.EventRow),
]
_decoder: Any = msgspec.json.Decoder(msgspec.defstruct("LineRow", _LINE, array_like=True, gc=False))
# Of a line that can't be read, who wrote it: what stands behind its codec and its origin may be anything.
_author: Any = msgspec.json.Decoder(msgspec.defstruct("AuthorRow", _LINE[:2], array_like=True, gc=False))
_encode = msgspec.json.Encoder().encode


def encode_line(event: Event, origin: Origin) -> bytes:
    """The event as a line, with its end. Raises what the encoder does for an event that holds more than plain data."""
    return _encode((frame.EVENTS, origin_row(origin), job_row(event.job), event_row(0, event))) + b"\n"


def decode_line(line: bytes) -> tuple[Event, Origin]:
    """The event of a line, and where it came from. Raises Unreadable for what isn't one."""
    try:
        row = _decoder.decode(line)
    except UNEXPECTED as error:
        raise Unreadable(f"{error}{_written_by(line)}") from None
    if row.codec != frame.EVENTS:
        raise Unreadable(f"it is of codec {row.codec}, and this version reads codec {frame.EVENTS}")
    return built_event(row.event, built_job(row.job)), built_origin(row.origin)


def _written_by(line: bytes) -> str:
    """Which version wrote the line, as far as it can be told."""
    try:
        return f" (written by jobreporter {_author.decode(line).origin.version})"
    except UNEXPECTED:
        return ""
