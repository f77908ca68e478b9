"""Out of the stream: the entries of a partition, in order."""

from __future__ import annotations

import time
from collections.abc import Mapping

from jobreporter.streams import Entry, Window
from jobreporter.streams.sqlite._database import OFFSET_BITS, Database

# Seconds between two looks at whether something came. A look takes some microseconds.
_LOOK = 0.05


class Reading:
    """The part of a stream that gives events out. See `jobreporter.streams.Stream` for what each method promises."""

    _database: Database

    def read(self, partition: int, position: int, max_bytes: int) -> Window:
        head = self._database.value("SELECT offset FROM head WHERE partition = ?", (partition,))
        if head is None:
            raise ValueError(f"there is no partition {partition}")
        entries: list[Entry] = []
        size = 0
        base = partition << OFFSET_BITS
        found = self._database.rows(
            "SELECT id, events, at, key, data FROM entry WHERE id < ? AND id >="
            " ifnull((SELECT max(id) FROM entry WHERE id BETWEEN ? AND ?), ?) ORDER BY id",
            (base + (1 << OFFSET_BITS), base, base + position, base),
        )
        for number, events, at, key, data in found:
            entry = Entry(offset=number - base, events=events, key=str(key), at=at, data=data)
            if entry.end <= position:
                continue  # the position is at its end
            size += len(data)
            if entries and size > max_bytes:
                break
            entries.append(entry)
        # Other connections may have appended since the head was read.
        return Window(partition=partition, head=max(head, entries[-1].end if entries else 0), entries=tuple(entries))

    def wait(self, heads: Mapping[int, int], timeout: float) -> bool:
        end = time.monotonic() + timeout
        while not any(
            offset > heads.get(partition, offset)
            for partition, offset in self._database.rows("SELECT partition, offset FROM head")
        ):
            remaining = end - time.monotonic()
            if remaining <= 0:
                return False
            time.sleep(min(_LOOK, remaining))
        return True
