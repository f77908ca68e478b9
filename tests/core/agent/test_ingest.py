"""Out of the spool and into the stream."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobreporter import Event
from jobreporter._agent.ingest import Ingest, Ingested
from jobreporter._stream.beat import encode_beat
from jobreporter._stream.decode import decode
from jobreporter._stream.encode import encode
from jobreporter._stream.handover import Outcome
from jobreporter._stream.partition import partition_of
from jobreporter._stream.spool_folder import Segment
from jobreporter._stream.spool_writer import LENGTH, SEGMENT, SpoolWriter
from jobreporter._system.clock import SYSTEM
from jobreporter.streams import Batch, StreamDown, StreamSettings, _machine
from jobreporter.streams.sqlite import engine
from jobreporter.streams.sqlite._stream import SqliteStream
from tests.core.stream.examples import HEADER, execution

PRODUCER = HEADER.producer


class Spooled:
    """A spool, a stream, and who moves records from one to the other."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder / "spool"
        self.complaints: list[str] = []
        self.url = f"sqlite://{folder}/stream.db"
        self.settings = settings
        self.stream = self.new_stream()
        self.ingest = self.new_ingest()
        self.writer = self.new_writer(PRODUCER)
        self._number = 1

    def new_stream(self) -> SqliteStream:
        return engine.open(self.url, StreamSettings(namespace="shop", **self.settings))

    def new_ingest(self, stream: SqliteStream | None = None) -> Ingest:
        return Ingest(str(self.folder), stream or self.stream, SYSTEM, self.complaints.append)

    def new_writer(self, producer: bytes) -> SpoolWriter:
        return SpoolWriter(str(self.folder), producer, max_bytes=256_000_000)

    def write(self, *events: Event) -> None:
        """One record."""
        self.writer.append(encode(HEADER._replace(first=self._number), events).data)
        self._number += len(events)

    def end(self) -> None:
        """The producer ends, as its lock says. A process doesn't see its own locks, so until then tests lock by hand."""
        self.writer.close()

    def stored(self, partition: int = 0) -> list[Event]:
        """The events in the stream."""
        entries = self.stream.read(partition, 0, 10**9).entries
        events = [event for entry in entries for event in decode(entry.data).events]
        return [event for event in events if isinstance(event, Event)]

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def spooled(tmp_path: Path) -> Iterator[Spooled]:
    spooled = Spooled(tmp_path)
    yield spooled
    spooled.ingest.close()
    spooled.writer.close()
    spooled.stream.close()


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every producer lives."""
    monkeypatch.setattr("jobreporter._stream.spool_reader.SegmentReader.is_held", lambda _reader: True)


def test_records_come_into_the_stream_in_order(spooled: Spooled) -> None:
    """And the file of a producer that has ended is removed."""
    for number in range(3):
        spooled.write(*execution(number))
    spooled.end()
    assert spooled.ingest.turn() == 3
    assert spooled.stored() == [event for number in range(3) for event in execution(number)]
    assert spooled.files() == []
    assert spooled.ingest.turn() == 0
    assert spooled.ingest.total == Ingested(records=3)


@pytest.mark.usefixtures("alive")
def test_a_producer_that_lives_is_followed(spooled: Spooled) -> None:
    """What it writes comes with the next turn, and its file stays."""
    spooled.write(*execution(1))
    assert spooled.ingest.turn() == 1
    spooled.write(*execution(2))
    assert spooled.ingest.turn() == 1
    assert spooled.stored() == [*execution(1), *execution(2)]
    assert spooled.files() == [Segment(PRODUCER, 1).name]


@pytest.mark.usefixtures("alive")
def test_open_executions_are_known(spooled: Spooled) -> None:
    """With their beginning, and for as long as they last, also over the end of their producer."""
    spooled.write(execution(1)[0], *execution(2))
    spooled.ingest.turn()
    (found,) = spooled.stream.open_executions()
    assert (found.id, found.producer) == ("job-1/1", PRODUCER)
    assert list(decode(found.data).events) == execution(1)[:1]
    spooled.write(*execution(1)[1:])
    spooled.ingest.turn()
    assert spooled.stream.open_executions() == []


def test_a_second_reading_stores_nothing_twice(spooled: Spooled, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the first ingester was killed after the append."""
    spooled.write(*execution(1))
    spooled.end()
    monkeypatch.setattr("jobreporter._stream.spool_reader.SegmentReader.remove", lambda _reader: None)
    spooled.ingest.turn()
    monkeypatch.undo()
    second = spooled.new_ingest()
    second.turn()
    assert spooled.stored() == execution(1)
    assert spooled.files() == []
    second.close()


def test_where_the_stream_is_down_nothing_is_passed_over(spooled: Spooled, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record that it was at comes again with the next turn."""
    for number in range(3):
        spooled.write(*execution(number))
    spooled.end()
    append, calls = spooled.stream.append, iter(range(100))

    def fails_once(*arguments: Any) -> Any:
        if next(calls) == 1:
            raise StreamDown("for a moment")
        return append(*arguments)

    monkeypatch.setattr(spooled.stream, "append", fails_once)
    with pytest.raises(StreamDown):
        spooled.ingest.turn()
    assert spooled.ingest.turn() == 2
    assert spooled.stored() == [event for number in range(3) for event in execution(number)]


def test_segments_come_one_after_the_other(spooled: Spooled) -> None:
    """Whatever was still written to the first before the second was begun comes before what is in the second."""
    for number in range(40):
        spooled.write(*execution(number))
        spooled.writer.append(encode_beat(PRODUCER, os.urandom(SEGMENT // 10)))
    assert len(spooled.files()) > 3
    spooled.end()
    spooled.ingest.turn()
    assert spooled.stored() == [event for number in range(40) for event in execution(number)]
    assert spooled.files() == []


def test_a_torn_tail_of_a_dead_producer_is_counted(spooled: Spooled) -> None:
    """And what came before it is stored."""
    spooled.write(*execution(1))
    path = spooled.folder / Segment(PRODUCER, 1).name
    spooled.end()
    with path.open("ab") as file:
        file.write(LENGTH.pack(500) + b"cut")
    spooled.ingest.turn()
    assert spooled.stored() == execution(1)
    assert spooled.ingest.total.torn == LENGTH.size + 3
    assert spooled.complaints == [
        f"{Segment(PRODUCER, 1).name} in the spool '{spooled.folder}' ends with a torn record, which is lost"
    ]
    assert spooled.files() == []


def test_a_record_that_cannot_be_read_is_kept_aside(spooled: Spooled) -> None:
    """Damaged, or of a later codec: its bytes are in a folder, what comes after it is stored, and the gap is counted."""
    path = spooled.folder / Segment(PRODUCER, 1).name
    spooled.write(*execution(1))
    begin = path.stat().st_size
    spooled.write(*execution(2))
    end = path.stat().st_size
    spooled.write(*execution(3))
    spooled.writer.append(encode_beat(PRODUCER, b"")[:-1] + b"?")
    spooled.write(*execution(4))
    spooled.end()
    content = bytearray(path.read_bytes())
    content[begin + 30] ^= 1
    path.write_bytes(content)
    spooled.ingest.turn()
    assert spooled.stored() == [event for number in (1, 3, 4) for event in execution(number)]
    assert spooled.ingest.total.damaged == 2
    assert spooled.ingest.total.outcome == Outcome(rolled_back=3)
    kept = spooled.folder / "damaged" / f"{path.name}.{begin}"
    assert kept.read_bytes() == content[begin:end]
    assert "can't be read (its bytes are damaged)" in spooled.complaints[0]


@pytest.mark.usefixtures("alive")
def test_what_cannot_be_read_is_told_once(spooled: Spooled) -> None:
    """Also where the file is read again from its beginning."""
    spooled.folder.mkdir()
    path = spooled.folder / Segment(PRODUCER, 1).name
    damaged = bytearray(encode(HEADER._replace(first=1), execution(1)).data)
    damaged[20] ^= 1
    record = encode(HEADER._replace(first=4), execution(2)).data
    path.write_bytes(LENGTH.pack(len(damaged)) + damaged + LENGTH.pack(len(record)) + record)
    for _ in range(2):
        ingest = spooled.new_ingest()
        ingest.turn()
        ingest.close()
    assert len(spooled.complaints) == 1


def test_late_events_of_lost_executions_are_left_out(spooled: Spooled) -> None:
    """And counted; the others of the record are stored."""
    begin = encode(HEADER._replace(producer=b"earlier-", first=1), [execution(1)[0]])
    batch = Batch(partition=0, first=1, last=1, events=1, data=begin.data, begun=begin.begun, open=begin.open)
    spooled.stream.append(b"earlier-", [batch])
    (found,) = spooled.stream.open_executions()
    assert spooled.stream.lose(found, begin.data, 1)
    spooled.write(*execution(2), *execution(1)[1:], *execution(3))
    spooled.end()
    spooled.ingest.turn()
    assert spooled.stored()[2:] == [*execution(2), *execution(3)]
    assert spooled.ingest.total.outcome == Outcome(repeated=2)


def test_a_record_whose_beginning_the_stream_has_is_cut(spooled: Spooled) -> None:
    """As when the numbers were reached in another way before."""
    first = encode(HEADER._replace(first=1), execution(1)[:1])
    spooled.stream.append(PRODUCER, [Batch(partition=0, first=1, last=1, events=1, data=first.data)])
    spooled.write(*execution(1))
    spooled.end()
    spooled.ingest.turn()
    assert spooled.stored() == execution(1)


def test_records_are_spread_over_partitions(tmp_path: Path) -> None:
    """By the id of their job, each event once, also when they are read a second time."""
    spooled = Spooled(tmp_path, partitions=4)
    events = [event for number in range(20) for event in execution(number)]
    for start in range(0, 60, 6):
        spooled.write(*events[start : start + 6])
    spooled.end()
    content = (spooled.folder / Segment(PRODUCER, 1).name).read_bytes()
    spooled.ingest.turn()
    (spooled.folder / Segment(PRODUCER, 1).name).write_bytes(content)
    spooled.ingest.turn()
    for partition in range(4):
        expected = [event for event in events if partition_of(event.job.id, 4) == partition]
        assert spooled.stored(partition) == expected
        assert len(expected) > 3
    assert spooled.ingest.total.outcome == Outcome()
    spooled.stream.close()


@pytest.mark.usefixtures("alive")
def test_a_held_lock_is_a_sign_of_life(spooled: Spooled, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every ten seconds, with what the producer last said of itself; after its end it has left."""
    times = iter([100.0, 100.0, 105.0, 110.5, 111.0])
    monkeypatch.setattr(spooled.ingest, "_clock", type("Clock", (), {"monotonic": lambda _self: next(times)})())
    spooled.writer.append(encode_beat(PRODUCER, b"I am"))
    counters = []
    for _ in range(4):
        spooled.ingest.turn()
        beat = spooled.stream.beats()[PRODUCER]
        assert beat.data == b"I am"
        counters.append(beat.counter)
    assert counters == [1, 1, 2, 2]


def test_who_has_ended_has_left(spooled: Spooled) -> None:
    """On purpose or not: there is no sign of life of it any more."""
    spooled.writer.append(encode_beat(PRODUCER, b"I am"))
    spooled.end()
    spooled.ingest.turn()
    assert spooled.stream.beats() == {}


def test_a_file_that_cannot_be_opened_is_told_once(spooled: Spooled, monkeypatch: pytest.MonkeyPatch) -> None:
    """And holds up what its producer wrote later, but no other producer."""
    spooled.write(*execution(1))
    other = spooled.new_writer(b"another!")
    other.append(encode(HEADER._replace(producer=b"another!", first=1), execution(2)).data)
    other.close()
    spooled.end()
    system = os.open

    def refuses(path: str, *arguments: Any, **more: Any) -> int:
        if path.endswith(Segment(PRODUCER, 1).name):
            raise PermissionError(13, "Permission denied")
        return system(path, *arguments, **more)

    monkeypatch.setattr(os, "open", refuses)
    spooled.ingest.turn()
    spooled.ingest.turn()
    assert spooled.stored() == execution(2)
    assert spooled.complaints == [
        f"can't open {Segment(PRODUCER, 1).name} in the spool '{spooled.folder}': Permission denied"
    ]
    monkeypatch.undo()
    spooled.ingest.turn()
    assert spooled.stored() == [*execution(2), *execution(1)]


def test_a_file_that_another_agent_has_taken_is_passed_over(spooled: Spooled, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at the folder and the opening of the file."""
    spooled.write(*execution(1))
    spooled.end()
    path = spooled.folder / Segment(PRODUCER, 1).name
    system = os.open

    def too_late(name: str, *arguments: Any, **more: Any) -> int:
        path.unlink(missing_ok=True)
        return system(name, *arguments, **more)

    monkeypatch.setattr(os, "open", too_late)
    assert spooled.ingest.turn() == 0
    assert spooled.complaints == []


def test_a_folder_is_the_same_under_every_path_and_another_on_every_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a fleet of containers, hosts have one name and spools one path: were they taken for one, only one would be emptied."""

    def identity(folder: str) -> str | None:
        return Ingest(str(tmp_path / folder), None, SYSTEM, print).name  # type: ignore[arg-type]  # it is not asked

    assert identity("spool") is None, "no worker has come yet"
    for folder in ("spool", "other"):
        (tmp_path / folder).mkdir()
    (tmp_path / "mounted").symlink_to(tmp_path / "spool")
    here = identity("spool")
    assert here == identity("mounted") != identity("other")
    monkeypatch.setattr(_machine, "_BOOT", "another machine, where all the rest is the same")
    assert identity("spool") != here
