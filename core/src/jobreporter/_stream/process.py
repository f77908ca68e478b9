"""What a process says of itself with each sign of life."""

from __future__ import annotations

from typing import Literal

import msgspec

from jobreporter.context import LaneStats, Origin


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
