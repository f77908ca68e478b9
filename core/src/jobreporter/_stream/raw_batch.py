"""A batch whose events are looked at no further than a stream has to: which executions begin and end in it.

Its events can be put into other batches as they are, those of later versions too: to cut off what a stream has already,
to leave out what it refuses, to spread them over partitions, to keep one as a dead letter.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jobreporter._stream import fields, frame
from jobreporter._stream.encode import Encoded, packed
from jobreporter._stream.frame import Unreadable

#: What decoding raises for what it doesn't know or can't bear.
UNEXPECTED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _JobHead(msgspec.Struct, array_like=True, gc=False):
    """The first fields of a job's row."""

    id: str
    execution_id: str


class _EventHead(msgspec.Struct, array_like=True, gc=False):
    """The first fields of an event's row."""

    kind: int
    job: fields.Index


class _Heads(msgspec.Struct, array_like=True, gc=False):
    producer: bytes
    first: int
    origin: msgspec.Raw
    jobs: list[_JobHead]
    events: list[_EventHead]
    only: str | None = None


class _Rows(msgspec.Struct, array_like=True, gc=False):
    producer: bytes
    first: int
    origin: msgspec.Raw
    jobs: list[msgspec.Raw]
    events: list[msgspec.Raw]
    only: str | None = None
    through: msgspec.Raw = msgspec.Raw()


# How an array of so few elements begins.
_SHORT = range(0x90, 0x90 + len(_Rows.__struct_fields__) + 1)
_heads = msgspec.msgpack.Decoder(_Heads)
_rows = msgspec.msgpack.Decoder(_Rows)
_through = msgspec.msgpack.Decoder(list[bytes])


def _behind_what_is_known(body: bytes) -> list[msgspec.Raw]:
    """The fields of a batch's row behind those of this version. There is no need to look where it is as short as ours."""
    if body[0] in _SHORT:
        return []
    return msgspec.msgpack.decode(body, type=list[msgspec.Raw])[len(_Rows.__struct_fields__) :]


class RawBatch:
    """Raises Unreadable for bytes that are damaged or no batch at all."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._body = frame.unframed(frame.EVENTS, data)
        try:
            rows = _rows.decode(self._body)
        except UNEXPECTED as error:
            raise Unreadable(f"it has not the form of a batch: {error}") from None
        self.producer, self.first, self.only = rows.producer, rows.first, rows.only
        self.origin, self.jobs, self.events = rows.origin, rows.jobs, rows.events
        # What a later version says of the whole batch goes along with each part of it.
        self._more = _behind_what_is_known(self._body)
        if rows.through:
            self._more.insert(0, rows.through)
        #: The job id and the execution id of each event; empty for one whose job can't be read.
        self.ids: list[tuple[str, str]] = []
        self._kinds: list[int] = []
        self._numbers: list[int] = []
        self._look()

    @property
    def through(self) -> Sequence[bytes]:
        """The identities of the streams that it has come through by relays, in order."""
        try:
            return _through.decode(self._more[0]) if self._more else []
        except UNEXPECTED:
            return []

    def comes_from(self, stream: bytes) -> None:
        """Have it say that it has been in this stream, too."""
        passed = msgspec.Raw(msgspec.msgpack.encode([*self.through, stream]))
        if self._more and not self.through:
            return  # what stands in that place is something else, which is kept
        self._more[:1] = [passed]

    def _look(self) -> None:
        try:
            heads = _heads.decode(self._body)
            jobs = [(job.id, job.execution_id) for job in heads.jobs]
            self.ids = [jobs[event.job] for event in heads.events]
        except (*UNEXPECTED, IndexError):
            self._look_at_each()
        else:
            self._kinds = [event.kind for event in heads.events]
            self._numbers = [event.job for event in heads.events]

    def _look_at_each(self) -> None:
        self.ids, self._kinds, self._numbers = [], [], []
        for raw in self.events:
            kind, number, ids = -1, -1, ("", "")
            try:
                event = msgspec.msgpack.decode(raw, type=_EventHead)
                job_row = self.jobs[event.job]
                number = event.job
                job = msgspec.msgpack.decode(job_row, type=_JobHead)
            except (*UNEXPECTED, IndexError):
                pass
            else:
                kind, ids = event.kind, (job.id, job.execution_id)
            self.ids.append(ids)
            self._kinds.append(kind)
            self._numbers.append(number)

    def pick(
        self,
        which: Sequence[int],
        *,
        first: int | None = None,
        producer: bytes | None = None,
        only: str | None = None,
    ) -> Encoded:
        """A batch of some of the events, by their index, for the same producer and reporter unless others are named.

        first: the number of the first of them; by default that which it has in this batch.
        """
        if first is None:
            first = self.first + (which[0] if which else 0)
        producer = self.producer if producer is None else producer
        only = self.only if only is None else only
        begun: dict[str, int] = {}
        still_open: dict[str, int] = {}
        ended: dict[str, None] = {}
        for index in which:
            kind, execution = self._kinds[index], self.ids[index][1]
            if not 0 <= kind < len(fields.KINDS):
                continue  # whether it begins or ends something, a later version knows
            if kind == fields.BEGINS:
                begun[execution] = still_open[execution] = index
            elif still_open.pop(execution, None) is None and execution not in begun:
                ended[execution] = None
        is_whole = (len(which), first, producer, only) == (len(self.ids), self.first, self.producer, self.only)
        return Encoded(
            data=self._data if is_whole else self._packed(which, producer, first, only),
            events=len(which),
            begun=tuple(begun),
            open={name: self._packed([index], producer, 0, only) for name, index in still_open.items()},
            ended=tuple(ended),
        )

    def _packed(self, which: Sequence[int], producer: bytes, first: int, only: str | None) -> bytes:
        used = sorted({self._numbers[index] for index in which})
        # Which job an event is about that can't be read, nobody knows: then all of them go along, each in its place.
        if len(used) == len(self.jobs) or -1 in used:
            jobs, rows = self.jobs, [self.events[index] for index in which]
        else:
            places = {number: place for place, number in enumerate(used)}
            jobs = [self.jobs[number] for number in used]
            rows = [self._renumbered(index, places) for index in which]
        return packed(producer, first, self.origin, jobs, rows, only=only, more=self._more)

    def _renumbered(self, index: int, places: dict[int, int]) -> msgspec.Raw:
        """The row with the index of its job changed to where the job is now."""
        if places[number := self._numbers[index]] == number:
            return self.events[index]
        row = msgspec.msgpack.decode(self.events[index], type=list[msgspec.Raw])
        row[1] = msgspec.Raw(msgspec.msgpack.encode(places[number]))
        return msgspec.Raw(msgspec.msgpack.encode(row))

    def without(self, executions: Sequence[str]) -> list[int]:
        """The indexes of the events that remain when those of some executions are left out, up to where one begins anew."""
        left_out = set(executions)
        remaining = []
        for index, (kind, (_job, execution)) in enumerate(zip(self._kinds, self.ids, strict=True)):
            if kind == fields.BEGINS:
                left_out.discard(execution)
            if execution not in left_out:
                remaining.append(index)
        return remaining
