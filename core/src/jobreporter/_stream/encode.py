"""Events into batches. A batch is ``[producer, first, origin, jobs, events]``, with each job once.

Optional at the end are ``only``, the name of the one reporter that the batch is for, and ``through``, the identities of the
streams that it has come through.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from jobreporter._stream import fields, frame
from jobreporter.context import Origin
from jobreporter.error_info import ErrorInfo
from jobreporter.events import Event, Failure, Job, Started

#: Events in one batch.
MOST = 512

_pack = msgspec.msgpack.Encoder().encode
origin_row = attrgetter(*fields.ORIGIN)
job_row = attrgetter(*fields.JOB)
_of_frame = attrgetter(*fields.FRAME)
_of_error = attrgetter(*fields.ERROR)
_FRAMES, _CAUSE, _CONTEXT, _EXCEPTIONS = map(fields.ERROR.index, ("frames", "cause", "context", "exceptions"))
_ERROR = fields.KINDS[3].fields.index("error")


class TooBig(Exception):  # noqa: N818 - it says what the events are
    """The events don't fit into one batch."""


class Header(NamedTuple):
    """What a batch says of all its events."""

    #: Who numbers them.
    producer: bytes
    #: The number of the first event.
    first: int
    origin: Origin
    #: The one reporter that they are for; ``None``: they are for every one.
    only: str | None = None


class Encoded(NamedTuple):
    """A batch, and what a stream has to know of it: see `jobreporter.streams.Batch`."""

    data: bytes
    events: int
    begun: tuple[str, ...]
    open: dict[str, bytes]
    ended: tuple[str, ...]


def encode(header: Header, events: Sequence[Event]) -> Encoded:
    """The batch of these events.

    Raises TooBig if they are too many or take too many bytes, and ValueError or another error of the encoder's for
    events that hold more than plain data.
    """
    if len(events) > MOST:
        raise TooBig
    data = _encoded(header, events)
    begun: dict[str, Event] = {}
    still_open: dict[str, Event] = {}
    ended: dict[str, None] = {}
    for event in events:
        execution = event.job.execution_id
        if type(event) is Started:
            begun[execution] = still_open[execution] = event
        elif still_open.pop(execution, None) is None and execution not in begun:
            ended[execution] = None
    opening = header._replace(first=0)
    return Encoded(
        data=data,
        events=len(events),
        begun=tuple(begun),
        open={execution: _encoded(opening, [event]) for execution, event in still_open.items()},
        ended=tuple(ended),
    )


def _encoded(header: Header, events: Sequence[Event]) -> bytes:
    jobs: list[tuple[Any, ...]] = []
    numbers: dict[int, int] = {}
    rows: list[tuple[Any, ...]] = []
    last: Job | None = None
    number = 0
    for event in events:
        job = event.job
        if job is not last:  # an execution's events mostly come one after the other
            last = job
            found = numbers.get(id(job))
            if found is None:
                found = numbers[id(job)] = len(jobs)
                jobs.append(job_row(job))
            number = found
        rows.append(event_row(number, event))
    return packed(
        header.producer, header.first, origin_row(header.origin), jobs, rows, only=header.only, most=frame.LARGEST
    )


def event_row(job: int, event: Event) -> tuple[Any, ...]:
    """The event as a row. job: the index of its job."""
    return _TO_ROW[type(event)](job, event)


def packed(
    producer: bytes,
    first: int,
    origin: Any,
    jobs: Sequence[Any],
    rows: Sequence[Any],
    *,
    only: str | None = None,
    more: Sequence[Any] = (),
    most: int | None = None,
) -> bytes:
    """The batch of jobs and events that are rows already, or encoded rows.

    more: what stands behind all that, encoded. most: bytes, beyond which it raises TooBig. What comes out of a batch is not
    refused for the few bytes that another number takes.
    """
    parts: tuple[Any, ...] = (producer, first, origin, jobs, rows)
    body = _pack(parts if only is None and not more else (*parts, only, *more))
    if most is not None and len(body) > most:
        raise TooBig
    return frame.framed(frame.EVENTS, body)


def _row_maker(number: int, names: Sequence[str]) -> Callable[[int, Event], tuple[Any, ...]]:
    if len(names) == 1:
        only = attrgetter(names[0])
        return lambda job, event: (number, job, only(event))
    values = attrgetter(*names)
    return lambda job, event: (number, job, *values(event))


def _failure_row(job: int, event: Event) -> tuple[Any, ...]:
    row = [*_failure_values(job, event)]
    row[2 + _ERROR] = _error_row(row[2 + _ERROR])
    return tuple(row)


def _error_row(error: ErrorInfo | None) -> list[Any] | None:
    if error is None:
        return None
    row = [*_of_error(error)]
    row[_FRAMES] = list(map(_of_frame, error.frames))
    row[_CAUSE] = _error_row(error.cause)
    row[_CONTEXT] = _error_row(error.context)
    row[_EXCEPTIONS] = list(map(_error_row, error.exceptions))
    return row


_TO_ROW = {kind.record: _row_maker(kind.number, kind.fields) for kind in fields.KINDS}
_failure_values = _TO_ROW[Failure]
_TO_ROW[Failure] = _failure_row
