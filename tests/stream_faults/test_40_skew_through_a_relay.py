"""Fault 40: versions differ, and a relay is between them. What it can't read, it hands on as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from jobreporter._stream import frame
from jobreporter._stream.decode import decode
from jobreporter._stream.encode import Header, TooBig, encode
from jobreporter._stream.raw_batch import RawBatch
from jobreporter.streams import Batch, Stream
from jobreporter.streams.sqlite import engine as sqlite
from tests.stream_faults.fleet import ORIGIN, Fleet, Vendor, execution, executions, ids
from tests.stream_faults.relayed import Path, Relays, assert_once, entries_of, until_settled

HEADER = Header(b"worker", 1, ORIGIN)


@pytest.fixture
def path(engine_and_url: tuple[Any, str], tmp_path: Any) -> Iterator[Path]:
    """To each engine, with as many partitions as it likes."""
    source = Fleet(sqlite, f"sqlite://{tmp_path}/source.db")
    target = Fleet(*engine_and_url)
    yield Path(source, target)
    source.close()
    target.close()


@pytest.fixture
def relays(path: Path) -> Iterator[Relays]:
    relays = Relays(path)
    yield relays
    relays.close()


def rows_of(data: bytes) -> list[Any]:
    body: list[Any] = msgspec.msgpack.decode(frame.unframed(frame.EVENTS, data))
    return body


def put(stream: Stream, data: bytes, events: int, *, first: int = 1, producer: bytes = b"worker") -> None:
    """Append bytes, whatever they hold."""
    batch = Batch(partition=0, first=first, last=first + events - 1, events=events, data=data)
    stream.append(producer, [batch])


def of_a_later_version() -> tuple[bytes, list[Any], int]:
    """A batch with a kind, a value and fields that this version doesn't know, in jobs, events, origin and the batch."""
    body = rows_of(encode(HEADER, [*execution("one"), *execution("two"), *execution("three")]).data)
    body[2].append("a field of the origin")
    for job in body[3]:
        job.extend([None] * (17 - len(job)))
        job.append({"a": "field of the job"})
    body[4][1] = [9, 0, {"a": "new kind"}, [1, 2]]
    body[4][4] = [4, 1, 2.0, "paused", None]  # an outcome that is new
    body[4][6].append("a field of the event")
    body = [*body[:5], None, "a field of the batch"]
    return frame.framed(frame.EVENTS, msgspec.msgpack.encode(body)), body, len(body[4])


def by_job(bodies: list[list[Any]]) -> dict[str, list[Any]]:
    """Each job's row, and the rows of its events without the index that leads to it."""
    found: dict[str, list[Any]] = {}
    for _producer, _first, _origin, jobs, events, *_more in bodies:
        for event in events:
            job = jobs[event[1]]
            found.setdefault(job[0], [job]).append([event[0], *event[2:]])
    return found


def test_what_a_later_version_says_goes_along_unread(relays: Relays) -> None:
    """Kind, value and fields arrive as they were sent, and nothing of it counts as unknown at the relay."""
    data, body, count = of_a_later_version()
    put(relays.source.stream(), data, count)
    until_settled(relays.relay(), relays.source)
    bodies = [rows_of(each.data) for each in entries_of(relays.target)]
    assert by_job(bodies) == by_job([body])
    assert all(each[2] == body[2] and each[5:] == body[5:] for each in bodies)
    ledger = relays.source.ledger("central")
    assert (ledger.handled, ledger.unknown, ledger.dead) == (count, 0, 0)
    # An agent of this version at the target settles over what it can't read, and takes the rest.
    vendor = Vendor()
    relays.target.agent(vendor=vendor, tables={"vendor": {"lane": {"start": "oldest"}}}).until_settled()
    counted = relays.target.ledger("vendor")
    assert (counted.handled, counted.unknown) == (count - 2, 2)
    assert sorted(ids(vendor.got)) == sorted(
        ["one Started", "one Stopped", "two Started", "two Stopped", "three Started", "three Success", "three Stopped"]
    )


def test_what_an_earlier_version_says_goes_along_too(relays: Relays) -> None:
    """Rows that are shorter stay so, and mean their defaults."""
    body = rows_of(encode(HEADER, execution("old")).data)
    body[2] = body[2][:3]  # host, pid and version
    body[3] = [body[3][0][:4]]
    body[4] = [row[:3] for row in body[4][:2]]
    put(relays.source.stream(), frame.framed(frame.EVENTS, msgspec.msgpack.encode(body[:5])), 2)
    until_settled(relays.relay(), relays.source)
    (entry,) = entries_of(relays.target)
    assert by_job([rows_of(entry.data)]) == by_job([body])
    found = decode(entry.data)
    assert ids(list(found.events)) == ["old Started", "old Success"]  # type: ignore[arg-type]  # all are events
    assert (found.origin.host, found.origin.service) == (ORIGIN.host, None)


def test_an_entry_that_nobody_can_read_is_a_dead_letter_of_the_relay(relays: Relays) -> None:
    """Its checksum is wrong, its codec unknown, or it holds another number of events; what comes before and after arrives."""
    stream = relays.source.stream()
    before, after = executions(3, "before"), executions(3, "after")
    relays.source.producer().send(before)
    good = encode(HEADER, execution("job")).data
    flipped = good[:-1] + bytes([good[-1] ^ 1])
    put(stream, flipped, 3)
    put(stream, frame.framed(7, b"of a later codec"), 2, first=4)
    put(stream, good, 4, first=6)
    relays.source.producer().send(after)
    until_settled(relays.relay(), relays.source)
    assert_once(relays.target, [*before, *after])
    letters = stream.dead_letters("central")
    assert [(each.offset, each.events) for each in letters] == [(9, 3), (12, 2), (14, 4)]
    assert letters[0].data == flipped
    assert "its checksum is wrong" in letters[0].reason
    assert "codec 7" in letters[1].reason
    assert "it holds 3 events instead of 4" in letters[2].reason
    ledger = relays.source.ledger("central")
    assert (ledger.handled, ledger.dead) == (18, 9)
    # The next ones have the next numbers: the target misses nothing.
    more = executions(2, "more")
    relays.source.producer().send(more)
    until_settled(relays.relay(), relays.source)
    assert_once(relays.target, [*before, *after, *more])


def test_only_unreadable_entries(relays: Relays) -> None:
    """They are settled as well, and leave no gap in the numbers."""
    put(relays.source.stream(), b"\1\0....", 3)
    relay = relays.relay()
    until_settled(relay, relays.source)
    assert entries_of(relays.target) == []
    relays.source.producer().send(executions(2))
    until_settled(relay, relays.source)
    assert_once(relays.target, executions(2))


def test_another_try_of_a_dead_letter_is_not_handed_on(relays: Relays) -> None:
    """It is for one reporter of the source alone. One for the relay itself is for everybody at the target."""
    raw = RawBatch(encode(HEADER, execution("job")).data)
    stream = relays.source.stream()
    put(stream, raw.pick([0, 1, 2], only="sentry").data, 3)
    put(stream, raw.pick([0, 1, 2], only="central").data, 3, first=4)
    until_settled(relays.relay(), relays.source)
    (entry,) = entries_of(relays.target)
    assert decode(entry.data).only is None
    ledger = relays.source.ledger("central")
    assert (ledger.handled, ledger.filtered) == (3, 3)


def test_the_largest_entry_passes(relays: Relays) -> None:
    """A relay's name takes more bytes than the worker's does here, and the entry is as large as one can be."""
    (started, *_) = execution("job")

    def filled(size: int) -> bytes:
        job = msgspec.structs.replace(started.job, args=("x" * size,))
        return encode(HEADER, [msgspec.structs.replace(started, job=job)]).data

    size = frame.LARGEST - 1024
    size += frame.LARGEST - len(frame.unframed(frame.EVENTS, filled(size)))
    put(relays.source.stream(), filled(size), 1)
    with pytest.raises(TooBig):
        filled(size + 1)
    until_settled(relays.relay(), relays.source)
    (entry,) = entries_of(relays.target)
    assert len(frame.unframed(frame.EVENTS, entry.data)) > frame.LARGEST
    assert decode(entry.data).events[0].job.args == ("x" * size,)  # type: ignore[union-attr]  # it is an event
