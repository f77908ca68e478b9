"""What tests of several kinds of servers do with a stream."""

from __future__ import annotations

from jobreporter.streams import Batch, Stream


def append(stream: Stream, number: int) -> str:
    """Append a producer's event of this number; what became of it."""
    return stream.append(b"producer", [Batch(partition=0, first=number, last=number, events=1, data=b"x")])[0].status
