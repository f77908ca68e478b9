"""Where a relay is with one partition of its source, and whether what it remembers still fits to both streams.

What it remembers, it keeps at the target, in the write that hands events on: so that is as old as the target itself. Where
it doesn't fit, one of the two was set back or is another. Then the next event gets the next number that the target has not
seen yet, and the relay goes on from there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from jobreporter._agent.relay_batches import Numbers
from jobreporter._stream.process import Relayed, decode_process
from jobreporter.streams import Batch, Beat, Lease, Stream


def producer_of(source: bytes, relay: str, partition: int) -> bytes:
    """Who a relay is at its target: the same in each agent that runs it, and nobody else."""
    return hashlib.blake2b(b"%s\0%s\0%d" % (source, relay.encode(), partition), digest_size=8).digest()


class Track:
    """Of one partition, under one lease."""

    def __init__(self, lease: Lease, producer: bytes, notes: Relayed, sent: list[int], key: str) -> None:
        #: The identities of its source and of its target, which it is told of when it begins.
        self.path = (b"", b"")
        self.lease = lease
        self.producer = producer
        self.notes = notes
        #: The number up to which each partition of the target has everything.
        self.sent = sent
        #: The offset after the last event that the source has settled.
        self.end = lease.position
        #: The key of the entry before that, as far as it is known.
        self.key = key
        #: The offset up to which the source is known to have been read.
        self.head: int | None = None

    @property
    def numbers(self) -> Numbers:
        return Numbers(self.producer, self.notes.base)


def notes_of(target: Stream, producer: bytes) -> Relayed | None:
    """What a relay remembers; ``None`` if the target doesn't know it."""
    beat = target.beats().get(producer)
    said = None if beat is None else decode_process(beat.data)
    return None if said is None else said.relayed


def passed(beats: Iterable[Beat]) -> set[bytes]:
    """The identities of the streams that relays bring events from to a stream. beats: the signs of life there."""
    said = filter(None, (decode_process(beat.data) for beat in beats))
    return {identity for each in said if each.role == "relay" for identity in each.passes}


def last_numbers(target: Stream, producer: bytes) -> list[int]:
    """The last number of a producer in each partition. A batch that ends at nothing is known to every stream."""
    asked = [Batch(partition=each, first=0, last=0, events=0, data=b"") for each in range(target.partitions)]
    return [answer.last for answer in target.append(producer, asked)]


def going_on(lease: Lease, producer: bytes, notes: Relayed, partitions: int) -> Track:
    """The track of a relay that remembers rightly."""
    sent = [notes.base + lease.position] * partitions
    return Track(lease, producer, notes, sent, notes.key if notes.end == lease.position else "")


def beginning(lease: Lease, producer: bytes, last: Sequence[int], source: Stream) -> Track:
    """The track of one that is new to the target. last: the numbers that are taken already."""
    key = key_before(source, lease.partition, lease.position)
    notes = Relayed(base=max(last) - lease.position, since=lease.position, end=lease.position, key=key)
    return Track(lease, producer, notes, list(last), key)


def key_before(source: Stream, partition: int, position: int) -> str:
    """The key of the entry that ends at a position; empty where it has been trimmed."""
    entries = source.read(partition, position - 1, 1).entries if position else ()
    return next((each.key for each in entries if each.end == position), "")


def misfit(lease: Lease, notes: Relayed, source: Stream) -> str | None:
    """Why what a relay remembers is of no use, in a sentence; ``None`` if it is."""
    if was_set_back(source, lease.partition, notes.end, notes.key):
        return "the stream was set back to an older state: what had not been settled there may be handed on twice"
    if lease.position < notes.since:
        return "it was rewound to events that its target lacks, and hands on everything from there"
    if lease.position > notes.end:
        missing = lease.position - notes.end
        return (
            f"its target lacks {missing} events before these: they expired here, or it was set back to an older state"
        )
    return None


def was_set_back(source: Stream, partition: int, end: int, key: str) -> bool:
    """Whether the source has no entry any more that ended there and had this key, though nobody has trimmed it."""
    if not key:
        return False
    window = source.read(partition, end - 1, 1)
    if window.head < end:
        return True
    first = window.entries[0] if window.entries else None
    return first is not None and first.offset < end and (first.end, first.key) != (end, key)
