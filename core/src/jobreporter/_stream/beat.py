"""A producer's sign of life, as it stands in a spool: ``[producer, data]``. A store keeps the data alone."""

from __future__ import annotations

import msgspec

from jobreporter._stream import frame
from jobreporter._stream.frame import Unreadable
from jobreporter._stream.raw_batch import UNEXPECTED, RawBatch


class SpooledBeat(msgspec.Struct, array_like=True):
    """What a producer says of itself."""

    producer: bytes
    data: bytes


_decoder = msgspec.msgpack.Decoder(SpooledBeat)


def encode_beat(producer: bytes, data: bytes) -> bytes:
    """The record of a sign of life."""
    return frame.framed(frame.BEAT, msgspec.msgpack.encode(SpooledBeat(producer, data)))


def decode_beat(record: bytes) -> SpooledBeat:
    """Raises Unreadable for bytes that are damaged or something else."""
    body = frame.unframed(frame.BEAT, record)
    try:
        return _decoder.decode(body)
    except UNEXPECTED as error:
        raise Unreadable(f"it has not the form of a sign of life: {error}") from None


def producer_of(record: bytes) -> bytes | None:
    """Who wrote a record of a spool; ``None`` where it is damaged or of a kind that this version doesn't know."""
    try:
        if frame.codec_of(record) == frame.BEAT:
            return decode_beat(record).producer
        return RawBatch(record).producer
    except Unreadable:
        return None
