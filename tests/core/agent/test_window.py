"""A reporter's window, and what handing out of it takes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import pytest

from jobreporter import Job, Started
from jobreporter._agent.chunk import Chunk
from jobreporter._agent.window import Window
from jobreporter._stream.decode import Decoded
from jobreporter.context import Origin
from jobreporter.streams import Entry, Lease

ORIGIN = Origin(host="web-1", pid=1, version="0.1.0")
#: Entries of one event each, as workers append them that have little to do.
COUNT = 2_000


class Looked(deque[Chunk]):
    """Counts how many chunks were looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __getitem__(self, index: object) -> Chunk:
        self.count += 1
        return super().__getitem__(index)  # type: ignore[index]  # whatever it is

    def __iter__(self) -> Iterator[Chunk]:
        for index in range(len(self)):
            yield self[index]


@pytest.fixture
def window() -> Window:
    """With all of its entries loaded, and nothing handed out."""
    made = Window(Lease(reporter="vendor", partition=0, owner=b"agent", fence=1, position=0))
    made.chunks = Looked()
    for offset in range(COUNT):
        event = Started(job=Job(id=f"j-{offset}", execution_id=f"j-{offset}/1", name="a", source="b"), at=0.0)
        entry = Entry(offset=offset, events=1, key=f"key-{offset}", at=0.0, data=b"")
        made.load(Chunk(entry, Decoded(b"p", offset + 1, ORIGIN, (event,), None), offset, None))
        made.slide()
    return made


def test_a_window_of_small_entries_is_not_searched_for_each(window: Window) -> None:
    """Handing out the last one looks at few of those before it, and so does finding what is flushed."""
    assert isinstance(window.chunks, Looked)
    handed = []
    while (each := window.next(64)) is not None:
        handed.append(each)
    for each in handed:
        window.went_well(each.chunk.end)
    assert [event.job.id for each in handed for event in each.events] == [f"j-{offset}" for offset in range(COUNT)]
    assert window.flushed == COUNT
    assert window.chunks.count < COUNT * 60
    settlement = window.settlement()
    assert settlement is not None
    assert (settlement.begin, settlement.end, settlement.last_key) == (0, COUNT, f"key-{COUNT - 1}")
