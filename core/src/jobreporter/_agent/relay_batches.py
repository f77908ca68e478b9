"""What a relay appends: entries of one stream as batches of another, whose events are looked at no further than it takes.

An event's number at the target comes from its offset at the source, so that whoever hands it on, and however the entries
are put together, the target knows what it has.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from jobreporter._stream.encode import Encoded
from jobreporter._stream.frame import Unreadable
from jobreporter._stream.handover import Part
from jobreporter._stream.partition import partition_of
from jobreporter._stream.raw_batch import RawBatch
from jobreporter.streams import DeadLetter, Entry

_NOTHING = Encoded(b"", 0, (), {}, ())


class Numbers(NamedTuple):
    """Whose numbers events get, and which."""

    producer: bytes
    #: The number of an event is ``base + offset + 1``.
    base: int


class Call(NamedTuple):
    """What is appended at once: at most one part for each partition of the target."""

    parts: list[Part]
    #: The last entry that it hands on.
    last: Entry


class Reading:
    """Entries of one partition of the source, from an offset on, and what is to become of each.

    relay: its name, which its own dead letters bear. path: the identities of the stream that they are in, and of that which
    they go to.
    """

    def __init__(
        self, entries: Sequence[Entry], begin: int, relay: str, partition: int, path: tuple[bytes, bytes]
    ) -> None:
        self._entries = entries
        self._begin = begin
        self._relay = relay
        self._partition = partition
        self._source, self._target = path
        #: Events that are not handed on: those for another reporter of the source alone, and those that came back.
        self.filtered = 0
        #: Those of them that have been at the target before: relays lead round in a circle.
        self.came_back = 0
        #: Entries that nobody can read.
        self.dead: list[DeadLetter] = []

    def calls(self, numbers: Numbers, sent: list[int], enough: Callable[[], bool]) -> Iterator[Call]:
        """What to append, in order, as few calls as there can be.

        sent: the number up to which each partition of the target has everything. It is for the caller to change, between
        two calls. enough: asked before each call whether it is to be the last one.
        """
        waiting: dict[int, tuple[RawBatch, Entry, list[int]]] = {}
        last: Entry | None = None
        # The last call tells every partition how far it is, so that none seems to lack what went to the others.
        every = range(len(sent))
        for entry in self._entries:
            raw = self._raw(entry)
            spread = {} if raw is None else self._spread(raw, entry, len(sent))
            if last is not None and waiting.keys() & spread.keys():
                is_last = enough()
                yield Call(_parts(numbers, sent, waiting, last.end, every if is_last else sorted(waiting)), last)
                if is_last:
                    return
                waiting = {}
            if raw is not None:
                waiting.update({partition: (raw, entry, which) for partition, which in spread.items()})
            last = entry
        if last is not None:
            yield Call(_parts(numbers, sent, waiting, last.end, every), last)

    def _raw(self, entry: Entry) -> RawBatch | None:
        """The entry, if it is to be handed on."""
        begin = max(entry.offset, self._begin)
        try:
            raw = RawBatch(entry.data)
            found = len(raw.events)
            problem = "" if found == entry.events else f"it holds {found} events instead of {entry.events}"
        except Unreadable as error:
            problem = str(error)
        if problem:
            self.dead.append(
                DeadLetter(
                    reporter=self._relay,
                    partition=self._partition,
                    offset=begin,
                    at=time.time(),
                    reason=f"the entry can't be read: {problem}",
                    data=entry.data,
                    events=entry.end - begin,
                )
            )
            return None
        if raw.only not in (None, self._relay):
            self.filtered += entry.end - begin
            return None
        if self._target in raw.through:
            self.filtered += entry.end - begin
            self.came_back += entry.end - begin
            return None
        raw.comes_from(self._source)
        raw.only = None  # the target's reporters have names of their own
        return raw

    def _spread(self, raw: RawBatch, entry: Entry, partitions: int) -> dict[int, list[int]]:
        chosen: dict[int, list[int]] = {}
        for index in range(max(0, self._begin - entry.offset), entry.events):
            chosen.setdefault(partition_of(raw.ids[index][0], partitions), []).append(index)
        return chosen


def _parts(
    numbers: Numbers,
    sent: Sequence[int],
    waiting: dict[int, tuple[RawBatch, Entry, list[int]]],
    end: int,
    partitions: Sequence[int],
) -> list[Part]:
    last = numbers.base + end
    parts = []
    for partition in partitions:
        first = sent[partition] + 1
        if partition not in waiting:
            if first <= last:
                parts.append(Part(partition, first, last, (), _NOTHING))
            continue
        raw, entry, which = waiting[partition]
        given = [numbers.base + entry.offset + index + 1 for index in which]
        parts.append(Part(partition, first, last, given, raw.pick(which, first=given[0], producer=numbers.producer)))
    return parts
