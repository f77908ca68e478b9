"""What a process says of itself with each sign of life."""

from __future__ import annotations

from typing import Literal

import msgspec

from jobreporter.context import LaneStats, Origin


class Relayed(msgspec.Struct, frozen=True, kw_only=True):
    """How far a relay has come with one partition of its source. It is kept at the target, and changes with what is there."""

    #: What an event's offset at the source and its number at the target differ by: the number is ``base + offset + 1``.
    base: int
    #: The offset of the first event that was given a number like that.
    since: int
    #: The offset after the last event.
    end: int
    #: The key of the entry that this one was in: a source that was set back has another there, or none.
    key: str


class ProcessBeat(msgspec.Struct, frozen=True, kw_only=True):
    """Encoded as a map: fields that are new are added, and those that a reader doesn't know are passed over."""

    role: Literal["worker", "agent", "relay"] = "worker"
    origin: Origin
    #: Its own ledger.
    ledger: dict[str, LaneStats] = {}
    #: Of an agent: the reporters that it runs, those of them that have been out of order for long, and what its config
    #: says of them, as a hash.
    reporters: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    config: str = ""
    #: Of a relay.
    relayed: Relayed | None = None
    #: Of a relay: the identities of the streams that what it hands on has come through, that which it reads among them.
    passes: tuple[bytes, ...] = ()
    #: Of an agent: what has come of the spool that it empties, since it started.
    taken_in: dict[str, int] = {}

    def encoded(self) -> bytes:
        return _encode(self)


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(ProcessBeat)


def decode_process(data: bytes) -> ProcessBeat | None:
    """What a process said of itself; ``None`` where it said nothing, or in a way that this version doesn't know."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
