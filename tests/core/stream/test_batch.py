"""The encoding of batches: what goes in comes out, in other versions too, and damage is found."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobreporter import EVENTS, ErrorInfo, Frame, Job
from jobreporter._stream import fields, frame
from jobreporter._stream.decode import Unknown, decode
from jobreporter._stream.encode import MOST, TooBig, encode
from jobreporter._stream.frame import Unreadable
from jobreporter.context import Origin
from jobreporter.testing import make_event, make_job

from .examples import FULL, HEADER, SMALL, beginnings, execution

GOLDEN = Path(__file__).parent / "golden"
EXAMPLES = {"small": SMALL, "full": FULL}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_batch_that_was_written_long_ago_is_read(name: str) -> None:
    """The golden files are of version 1 of the encoding; every later version reads the same events out of them."""
    decoded = decode((GOLDEN / f"{name}.batch").read_bytes())
    assert (decoded.producer, decoded.first, decoded.only) == (HEADER.producer, HEADER.first, None)
    assert decoded.origin == HEADER.origin
    assert tuple(decoded.events) == EXAMPLES[name]


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_written_begins_as_it_always_did(name: str) -> None:
    """Byte for byte, but for fields that were added at the ends of rows: a golden file is only added, never replaced."""
    golden = frame.unframed(frame.EVENTS, (GOLDEN / f"{name}.batch").read_bytes())
    written = frame.unframed(frame.EVENTS, encode(HEADER, EXAMPLES[name]).data)
    assert starts_with(msgspec.msgpack.decode(written), msgspec.msgpack.decode(golden))


def starts_with(written: Any, golden: Any) -> bool:
    """Whether each array begins with what the golden one has."""
    if isinstance(golden, list) and isinstance(written, list):
        return len(written) >= len(golden) and all(map(starts_with, written, golden))
    return bool(written == golden)


def test_every_field_of_every_record_is_in_the_table() -> None:
    """A field that is new in a record is added to the table's row, at its end."""
    rows = {Job: fields.JOB, Frame: fields.FRAME, ErrorInfo: fields.ERROR, Origin: fields.ORIGIN}
    rows |= {kind.record: ("job", *kind.fields) for kind in fields.KINDS}
    assert {kind.record for kind in fields.KINDS} == set(EVENTS)
    for record, row in rows.items():
        assert sorted(row) == sorted(record.__struct_fields__), record


def test_the_table_begins_as_it_always_did() -> None:
    """What is in the encoding's first version stands where it stood. This test is only added to."""
    assert fields.JOB[:17] == (
        *("id", "execution_id", "name", "source", "queue", "args", "kwargs", "attempt", "max_attempts"),
        *("enqueued_at", "scheduled_at", "priority", "worker", "correlation_id", "root_id", "parent_id", "extra"),
    )
    assert fields.FRAME[:6] == ("filename", "lineno", "function", "module", "line", "locals")
    assert fields.ERROR[:10] == (
        *("type", "message", "mro", "frames", "frames_omitted", "cause", "context", "suppress_context", "notes"),
        "exceptions",
    )
    assert fields.ORIGIN[:6] == ("host", "pid", "version", "service", "environment", "release")
    assert [(kind.number, kind.fields[:8]) for kind in fields.KINDS[:5]] == [
        (0, ("at",)),
        (1, ("at", "duration", "queue_wait", "tags")),
        (2, ("at", "reason", "will_retry", "duration", "tags")),
        (3, ("at", "error", "kind", "will_retry", "retry_delay", "duration", "queue_wait", "tags")),
        (4, ("at", "outcome", "duration")),
    ]


TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)
JOBS = st.builds(
    make_job,
    id=TEXT,
    args=st.lists(PLAIN, max_size=3).map(tuple),
    kwargs=st.dictionaries(TEXT, PLAIN, max_size=3),
    queue=st.none() | TEXT,
    extra=st.dictionaries(TEXT, PLAIN, max_size=3),
)


@given(st.lists(st.tuples(st.sampled_from(EVENTS), JOBS), max_size=8))
def test_whatever_plain_data_goes_in_comes_out(kinds: list[tuple[type, Job]]) -> None:
    """Events are equal before and after, with any plain data in them."""
    events = [make_event(kind, job=job) for kind, job in kinds]
    assert list(decode(encode(HEADER, events).data).events) == events


def test_each_job_is_written_once() -> None:
    """The three events of an execution share their job, before and after."""
    job = make_job(kwargs={"long": "x" * 300})
    one, three = (encode(HEADER, [make_event("started", job=job) for _ in range(count)]).data for count in (1, 3))
    assert len(three) < len(one) + 40
    first, second, third = decode(three).events
    assert not isinstance(first, Unknown)
    assert not isinstance(third, Unknown)
    assert first.job is third.job
    assert first == second


def test_what_is_large_is_compressed() -> None:
    """From 2 KiB on; what is smaller is left as it is."""
    small, large = encode(HEADER, beginnings(3)).data, encode(HEADER, beginnings(100)).data
    assert (small[1], large[1]) == (0, 1)
    assert len(frame.unframed(frame.EVENTS, large)) > 2 * len(large)
    assert list(decode(large).events) == beginnings(100)


def test_a_batch_has_its_bounds() -> None:
    """512 events, and 1 MiB before it is compressed."""
    assert encode(HEADER, beginnings(MOST)).events == MOST == 512
    with pytest.raises(TooBig):
        encode(HEADER, beginnings(MOST + 1))
    fits = make_event("started", job=make_job(args=("x" * 1_000_000,)))
    assert list(decode(encode(HEADER, [fits]).data).events) == [fits]
    with pytest.raises(TooBig):
        encode(HEADER, [make_event("started", job=make_job(args=("x" * 1_050_000,)))])


def test_a_batch_knows_what_begins_and_ends_in_it() -> None:
    """Begun and not ended is open, with its beginning as a batch of its own; ended without a beginning is told apart."""
    whole, cut = execution(1), execution(2)
    again = [*execution(3)[1:], *execution(3, end=False)]
    encoded = encode(HEADER, [*whole, cut[0], *again, *execution(4)[2:]])
    assert encoded.begun == ("job-1/1", "job-2/1", "job-3/1")
    assert list(encoded.open) == ["job-2/1", "job-3/1"]
    assert encoded.ended == ("job-3/1", "job-4/1")
    beginning = decode(encoded.open["job-2/1"])
    assert (list(beginning.events), beginning.producer, beginning.origin) == ([cut[0]], HEADER.producer, HEADER.origin)


def test_a_batch_can_be_for_one_reporter() -> None:
    """As when a dead letter is tried again."""
    assert decode(encode(HEADER._replace(only="sentry"), SMALL).data).only == "sentry"


def later_version(change: Any) -> bytes:
    """The example as another version would have written it."""
    body = msgspec.msgpack.decode(frame.unframed(frame.EVENTS, encode(HEADER, FULL).data))
    change(body)
    return frame.framed(frame.EVENTS, msgspec.msgpack.encode(body))


def test_40_fields_of_a_later_version_are_passed_over() -> None:
    """In the job, the event, the error, its frames, the origin, and the batch itself."""

    def add(body: list[Any]) -> None:
        error = body[4][3][3]
        for row in (body[3][0], body[4][0], body[4][3], error, error[3][0], body[2]):
            row.append("new")
        body += [None, "new"]

    decoded = decode(later_version(add))
    assert (tuple(decoded.events), decoded.origin) == (FULL, HEADER.origin)


def test_40_a_batch_of_an_earlier_version_lacks_fields() -> None:
    """Those that were added since have their defaults."""

    def cut(body: list[Any]) -> None:
        del body[3][0][4:], body[4][1][3:], body[4][3][3][1:]

    decoded = decode(later_version(cut))
    success, failure = decoded.events[1], decoded.events[3]
    assert not isinstance(success, Unknown)
    assert success == make_event("success", job=success.job, at=success.at, duration=None)
    assert success.job == Job(id="j-1", execution_id="j-1/2/abc", name="shop.tasks.send", source="celery")
    assert not isinstance(failure, Unknown)
    assert failure.error == ErrorInfo(type="shop.Declined")  # type: ignore[attr-defined]  # it is a Failure


@pytest.mark.parametrize(
    ("index", "change"),
    [
        (1, lambda row: row.__setitem__(0, 9)),
        (2, lambda row: row.__setitem__(2, "now")),
        (3, lambda row: row.__setitem__(4, "bored")),
        (4, lambda row: row.__setitem__(3, "postponed")),
        (0, lambda row: row.__setitem__(1, 7)),
        (0, lambda row: row.__setitem__(1, -1)),
        (0, lambda row: row.clear()),
    ],
    ids=["kind", "type", "value", "outcome", "job", "negative job", "nothing"],
)
def test_40_an_event_of_a_later_version_is_unknown_and_the_others_are_read(index: int, change: Any) -> None:
    """An unknown kind, an unknown value, or another type: that event alone."""
    decoded = decode(later_version(lambda body: change(body[4][index])))
    assert [isinstance(event, Unknown) for event in decoded.events] == [number == index for number in range(5)]
    assert [event for event in decoded.events if not isinstance(event, Unknown)] == [
        event for number, event in enumerate(FULL) if number != index
    ]


def test_events_of_a_job_that_cannot_be_read_are_unknown() -> None:
    """All of them, and those of other jobs in the batch are read."""
    body = msgspec.msgpack.decode(frame.unframed(frame.EVENTS, encode(HEADER, [*FULL, *SMALL]).data))
    body[3][0][7] = "twice"
    decoded = decode(frame.framed(frame.EVENTS, msgspec.msgpack.encode(body)))
    assert [isinstance(event, Unknown) for event in decoded.events] == [True] * 5 + [False] * 3
    assert tuple(decoded.events[5:]) == SMALL


def test_an_origin_that_cannot_be_read_costs_no_event() -> None:
    """It is empty."""
    decoded = decode(later_version(lambda body: body.__setitem__(2, [1, 2, 3, 4, "five"])))
    assert (tuple(decoded.events), decoded.origin) == (FULL, Origin(host="", pid=0, version=""))


def test_any_flipped_byte_is_found() -> None:
    """Wherever in the batch it is, the batch is not read as if nothing had happened."""
    data = encode(HEADER, FULL).data
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 0x10
        with pytest.raises(Unreadable):
            decode(bytes(damaged))


@pytest.mark.parametrize("size", [0, 1, 5, 6, 40])
def test_a_batch_that_was_cut_off_is_not_read(size: int) -> None:
    """Nor is one that is empty."""
    with pytest.raises(Unreadable):
        decode(encode(HEADER, FULL).data[:size])


def reframed(body: bytes, codec: int = 1, flags: int = 0) -> bytes:
    """In a frame whose checksum is right."""
    return struct.pack(">BBI", codec, flags, zlib.crc32(body, zlib.crc32(bytes((codec, flags))))) + body


BODY = frame.unframed(frame.EVENTS, encode(HEADER, SMALL).data)


@pytest.mark.parametrize(
    "data",
    [
        reframed(BODY, codec=9),
        reframed(BODY, flags=2),
        reframed(BODY, flags=1),
        reframed(b"\xc1"),
        reframed(msgspec.msgpack.encode({"a": 1})),
        reframed(msgspec.msgpack.encode(["p", 1])),
        reframed(zlib.compress(bytes(17 * 1024 * 1024)), flags=1),
        reframed(zlib.compress(BODY)[:-4], flags=1),
        reframed(b"\x91" * 100_000),
    ],
    ids=["codec", "flags", "not compressed", "no msgpack", "a map", "short", "a bomb", "cut", "deep"],
)
def test_what_is_no_batch_is_refused_in_a_sentence(data: bytes) -> None:
    """Another codec, unknown flags, or a body that is none; what is small and unpacks to a lot takes no memory."""
    with pytest.raises(Unreadable, match=r"^it (is|has|can't)|^decompressed, it"):
        decode(data)


def test_events_that_are_not_plain_are_refused_when_they_are_encoded() -> None:
    """As an error of the encoder's, which names no batch: whoever encodes tries each event alone."""
    with pytest.raises(TypeError):
        encode(HEADER, [make_event("started", job=make_job(args=(object(),)))])
