"""How much of a stream is read at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from jobreporter.streams import StreamDown

#: Bytes that are read at once, and at least.
MOST = 256 * 1024
LEAST = 16 * 1024


class Portion:
    """So many bytes: half as many after a read without an answer, and twice as many again after each that went well.

    Over a slow line, or from a server that bounds what it answers, the same read would never get through.
    """

    def __init__(self) -> None:
        self.bytes = MOST

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Around one read."""
        try:
            yield
        except StreamDown:
            self.bytes = min(self.bytes, max(LEAST, self.bytes // 2))
            raise
        self.bytes = min(MOST, self.bytes * 2)
