"""A batch that is taken apart without its events being read."""

from __future__ import annotations

import msgspec
import pytest

from jobreporter._stream import frame
from jobreporter._stream.decode import Unknown, decode
from jobreporter._stream.encode import encode
from jobreporter._stream.frame import Unreadable
from jobreporter._stream.partition import partition_of
from jobreporter._stream.raw_batch import RawBatch
from jobreporter.testing import make_event, make_job

from .examples import FULL, HEADER, SMALL, beginnings, execution


def test_a_part_is_what_would_have_been_encoded() -> None:
    """Picking events and encoding them gives the same batch, and the same facts about it."""
    events = [*execution(1), *execution(2, end=False), *execution(3)[1:], *FULL]
    raw = RawBatch(encode(HEADER, events).data)
    for which in ([0, 1, 2], [3], [3, 4, 5], [1, 3, 5], [*range(len(events))], []):
        picked = raw.pick(which)
        first = HEADER.first + (which[0] if which else 0)
        again = encode(HEADER._replace(first=first), [events[index] for index in which])
        assert decode(picked.data) == decode(again.data)
        assert picked._replace(data=b"", open={}) == again._replace(data=b"", open={})
        assert {name: decode(data) for name, data in picked.open.items()} == {
            name: decode(data) for name, data in again.open.items()
        }


def test_a_part_can_be_renumbered_and_given_to_one_reporter() -> None:
    """As a relay does it, and whoever tries a dead letter again."""
    picked = decode(RawBatch(encode(HEADER, SMALL).data).pick([1], first=5, producer=b"relay", only="sentry").data)
    assert (picked.first, picked.producer, picked.only, picked.origin) == (5, b"relay", "sentry", HEADER.origin)


def test_only_the_jobs_that_are_needed_go_along() -> None:
    """A dead letter takes no other job's arguments along."""
    events = [*execution(1), make_event("started", job=make_job(id="secret", args=("x" * 500,)))]
    raw = RawBatch(encode(HEADER, events).data)
    assert b"secret" not in raw.pick([0, 1]).data
    assert b"secret" in raw.pick([3]).data


def test_events_of_a_later_version_go_along_as_they_are() -> None:
    """Their bytes are the same in the part, whatever kind they are of, and they neither begin nor end anything."""
    body = msgspec.msgpack.decode(frame.unframed(frame.EVENTS, encode(HEADER, [*SMALL, *execution(2)]).data))
    body[4][3] = [9, 1, {"new": [1, 2]}]
    body[4][4] = [1, 1, "not yet known"]
    raw = RawBatch(frame.framed(frame.EVENTS, msgspec.msgpack.encode(body)))
    picked = raw.pick([3, 4, 5])
    assert (picked.begun, picked.ended) == ((), ("job-2/1",))
    rows = msgspec.msgpack.decode(frame.unframed(frame.EVENTS, picked.data))[4]
    assert rows == [[9, 0, {"new": [1, 2]}], [1, 0, "not yet known"], [*body[4][5][:1], 0, *body[4][5][2:]]]
    assert [isinstance(event, Unknown) for event in decode(picked.data).events] == [True, True, False]


def test_an_event_that_is_no_event_goes_along_too() -> None:
    """It has no ids, and stays what it was."""
    body = msgspec.msgpack.decode(frame.unframed(frame.EVENTS, encode(HEADER, SMALL).data))
    body[4][1] = {"of": "a later codec"}
    body[4].append([4, 77, 1.0])
    raw = RawBatch(frame.framed(frame.EVENTS, msgspec.msgpack.encode(body)))
    assert raw.ids == [("j-2", "j-2/1"), ("", ""), ("j-2", "j-2/1"), ("", "")]
    rows = msgspec.msgpack.decode(frame.unframed(frame.EVENTS, raw.pick([1, 2, 3]).data))[4]
    assert rows == [{"of": "a later codec"}, body[4][2], [4, 77, 1.0]]


def test_what_a_later_version_says_of_a_whole_batch_goes_along() -> None:
    """Behind the fields that this version knows, in a part and in each execution that is open."""
    events = [*execution(1, end=False), *execution(2)]
    for only in (None, "sentry"):
        body = msgspec.msgpack.decode(frame.unframed(frame.EVENTS, encode(HEADER._replace(only=only), events).data))
        body = [*body[:5], only, {"since": 2}, b"x"]
        raw = RawBatch(frame.framed(frame.EVENTS, msgspec.msgpack.encode(body)))
        picked = raw.pick([0, 2], producer=b"relay")
        for data in (picked.data, picked.open["job-1/1"]):
            assert msgspec.msgpack.decode(frame.unframed(frame.EVENTS, data))[5:] == [only, {"since": 2}, b"x"]
            assert decode(data).only == only


def test_an_event_keeps_a_job_that_this_version_can_not_read() -> None:
    """Its index still names it, among the jobs that go along."""
    body = msgspec.msgpack.decode(frame.unframed(frame.EVENTS, encode(HEADER, [*execution(1), *execution(2)]).data))
    body[3].append({"id": "of a later version"})
    body[4].append([0, 2, 9.0])
    raw = RawBatch(frame.framed(frame.EVENTS, msgspec.msgpack.encode(body)))
    assert raw.ids[-1] == ("", "")
    picked = raw.pick([4, 6])
    assert (picked.begun, picked.ended) == ((), ("job-2/1",))
    jobs, rows = msgspec.msgpack.decode(frame.unframed(frame.EVENTS, picked.data))[3:5]
    assert [jobs[row[1]] for row in rows] == [body[3][1], body[3][2]]
    assert len(jobs) == 2


def test_an_event_that_names_no_job_keeps_all_of_them() -> None:
    """How a later version names it, nobody knows: what it says must still be true where it comes to."""
    body = msgspec.msgpack.decode(frame.unframed(frame.EVENTS, encode(HEADER, [*execution(1), *execution(2)]).data))
    body[4].append({"job": 1})
    raw = RawBatch(frame.framed(frame.EVENTS, msgspec.msgpack.encode(body)))
    jobs, rows = msgspec.msgpack.decode(frame.unframed(frame.EVENTS, raw.pick([4, 6]).data))[3:5]
    assert jobs == body[3]
    assert rows == [body[4][4], {"job": 1}]


def test_executions_are_left_out_up_to_their_next_beginning() -> None:
    """An execution id may come again: what follows its new beginning belongs to that."""
    late, other, again = execution(1)[1:], execution(2), execution(1)
    raw = RawBatch(encode(HEADER, [*late, *other, *again]).data)
    assert raw.without(["job-1/1"]) == [2, 3, 4, 5, 6, 7]
    assert raw.without(["job-2/1"]) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert raw.without([]) == [*range(8)]


def test_damage_is_found() -> None:
    """As when the batch is decoded."""
    with pytest.raises(Unreadable):
        RawBatch(encode(HEADER, SMALL).data[:-1])
    with pytest.raises(Unreadable):
        RawBatch(frame.framed(frame.EVENTS, msgspec.msgpack.encode(["no batch"])))


def test_all_events_of_a_job_id_are_in_one_partition() -> None:
    """Which is the same in every process and version, and each partition gets its share."""
    assert [partition_of(f"job-{number}", 8) for number in range(6)] == [1, 7, 5, 3, 0, 6]
    assert partition_of("anything", 1) == 0
    counts = [0] * 8
    for event in beginnings(8000):
        counts[partition_of(event.job.id, 8)] += 1
    assert min(counts) > 800
    assert partition_of("a lone surrogate: \ud800", 8) in range(8)
