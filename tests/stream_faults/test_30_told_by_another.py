"""Fault 30 with a spool: a child is killed, and its parent tells how its execution ended, in a file of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jobreporter import Event
from jobreporter._agent.ingest import Ingest
from jobreporter._stream.decode import decode
from jobreporter._stream.encode import Header, encode
from jobreporter._stream.spool_folder import Segment
from jobreporter._stream.spool_reader import SegmentReader
from jobreporter._stream.spool_writer import SpoolWriter
from jobreporter._system.clock import SYSTEM
from tests.stream_faults.fleet import ORIGIN, Fleet, execution, ids

#: By name, the parent's file comes first.
PARENT, CHILD = b"\x01" * 8, b"\x02" * 8
BEGINNING, ENDING = execution("job", fails=True)[:1], execution("job", fails=True)[1:]


class Family:
    """A parent that has written before, and a child; both write to one spool."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.folder = folder
        self.stream = fleet.stream()
        self.ingest = Ingest(str(folder), self.stream, SYSTEM, pytest.fail)
        self.parent = SpoolWriter(str(folder), PARENT, max_bytes=10**8)
        self.child = SpoolWriter(str(folder), CHILD, max_bytes=10**8)
        self.parent.append(batch(PARENT, 1, execution("earlier")))

    def written(self, *order: bytes) -> None:
        """The files were written to in this order. Their times have no room for what a test does in a moment."""
        for moment, producer in enumerate(order):
            os.utime(self.folder / Segment(producer, 1).name, (moment, moment))

    def stored(self) -> list[str]:
        """What the stream has of the job."""
        entries = [e for number in range(self.stream.partitions) for e in self.stream.read(number, 0, 10**9).entries]
        events = [event for entry in entries for event in decode(entry.data).events if isinstance(event, Event)]
        return [each for each in ids(events) if each.startswith("job ")]


@pytest.fixture
def family(fleet: Fleet, tmp_path: Path) -> Family:
    return Family(fleet, tmp_path / "spool")


def batch(producer: bytes, first: int, events: list[Event]) -> bytes:
    return encode(Header(producer, first, ORIGIN), events).data


def test_30_what_the_parent_tells_comes_after_what_the_child_has_written(family: Family) -> None:
    """Whatever their files are called, and though no agent took either of them in before: nothing is left open."""
    family.child.append(batch(CHILD, 1, BEGINNING))
    family.child.close()
    family.parent.append(batch(PARENT, 4, ENDING))
    family.written(CHILD, PARENT)
    family.ingest.turn()
    assert family.stored() == ["job Started", "job Failure", "job Stopped"]
    assert family.stream.open_executions() == []


def test_30_what_the_parent_tells_while_files_are_taken_in_waits_for_the_next_turn(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child is killed and its end is told after the order was found, and before the parent's file is read."""
    family.child.append(batch(CHILD, 1, BEGINNING))
    family.written(PARENT, CHILD)
    is_held = SegmentReader.is_held

    def tell_just_before(reader: SegmentReader) -> bool:
        if reader.segment == Segment(PARENT, 1) and not told:
            told.append(True)
            family.child.close()
            family.parent.append(batch(PARENT, 4, ENDING))
        return is_held(reader)

    told: list[bool] = []
    monkeypatch.setattr(SegmentReader, "is_held", tell_just_before)
    family.ingest.turn()
    assert family.stored() == ["job Started"]
    family.ingest.turn()
    assert family.stored() == ["job Started", "job Failure", "job Stopped"]
    assert family.stream.open_executions() == []


def test_30_who_writes_a_last_word_while_it_is_read_loses_none_of_it(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is free, and longer than it was when the turn began: it stays until the rest is taken in."""
    is_held = SegmentReader.is_held

    def end_just_before(reader: SegmentReader) -> bool:
        if not told:
            told.append(True)
            family.parent.append(batch(PARENT, 4, execution("job")))
            family.parent.close()
        return is_held(reader)

    told: list[bool] = []
    monkeypatch.setattr(SegmentReader, "is_held", end_just_before)
    for _ in range(2):
        family.ingest.turn()
    assert family.stored() == ["job Started", "job Success", "job Stopped"]
