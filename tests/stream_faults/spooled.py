"""A spool of this machine in front of a stream."""

from __future__ import annotations

from pathlib import Path

from jobreporter import Event
from jobreporter._agent.ingest import Ingest
from jobreporter._stream.decode import decode
from jobreporter._stream.encode import Header, encode
from jobreporter._stream.spool_writer import SpoolWriter
from jobreporter._system.clock import SYSTEM
from jobreporter.streams import Stream
from tests.stream_faults.fleet import ORIGIN, Fleet

PRODUCER = b"\x01\x02\x03\x04\x05\x06\x07\x08"


class Spooled:
    """One producer's files, and who moves them into the stream."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.fleet = fleet
        self.folder = folder
        self.complaints: list[str] = []
        self.stream = fleet.stream()
        self.number = 1

    def writer(self, **more: int) -> SpoolWriter:
        return SpoolWriter(str(self.folder), PRODUCER, **{"max_bytes": 256_000_000, **more})

    def record(self, events: list[Event]) -> bytes:
        data = encode(Header(PRODUCER, self.number, ORIGIN), events).data
        self.number += len(events)
        return data

    def ingest(self, stream: Stream | None = None) -> Ingest:
        return Ingest(str(self.folder), stream or self.stream, SYSTEM, self.complaints.append)

    def stored(self) -> list[Event]:
        entries = [e for n in range(self.stream.partitions) for e in self.stream.read(n, 0, 10**9).entries]
        return [event for entry in entries for event in decode(entry.data).events if isinstance(event, Event)]
