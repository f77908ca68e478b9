"""Events as lines: what goes in comes out, in other versions too, and a line that is none says why."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from jobreporter import EVENTS, Event
from jobreporter._stream.frame import Unreadable
from jobreporter._stream.line import decode_line, encode_line
from jobreporter.testing import every_event, make_event

from .examples import FULL, ORIGIN, SMALL


def changed(event: Event, change: Any) -> bytes:
    """The line of an event, once somebody has changed it."""
    line = json.loads(encode_line(event, ORIGIN))
    change(line)
    return json.dumps(line).encode()


def test_what_goes_in_comes_out() -> None:
    """Every kind of event, with every field set, missing or hostile, in one line each."""
    for event in [*FULL, *SMALL, *every_event()]:
        line = encode_line(event, ORIGIN)
        assert line.count(b"\n") == 1
        found, origin = decode_line(line)
        # A tuple within arguments is a list in JSON, as it is in a batch.
        assert msgspec.json.encode(found) == msgspec.json.encode(event)
        assert origin == ORIGIN


def test_a_line_is_as_it_always_was() -> None:
    """The codec of batches, the origin, the job, and the event, which begins with the number of its kind."""
    assert encode_line(SMALL[2], ORIGIN) == (
        b'[1,["web-1",4711,"0.1.0","shop","test","2.1"],'
        b'["j-2","j-2/1","small","python",null,[],{},1,null,null,null,null,null,null,null,null,{}],'
        b'[4,0,3.0,"failure",null]]\n'
    )


@pytest.mark.parametrize("kind", EVENTS)
def test_lines_of_other_versions_are_read(kind: type[Event]) -> None:
    """Fields that a later version has added are passed over; those that an earlier one had not are as by default."""
    event = make_event(kind)
    for row in (1, 2, 3):
        assert decode_line(changed(event, lambda line, row=row: line[row].append("new"))) == (event, ORIGIN)
    assert decode_line(changed(event, lambda line: line[2].pop()))[0].job.extra == {}


def replaced(row: int, field: int, value: object) -> bytes:
    """The line of a failure with another value in one place."""
    return changed(FULL[3], lambda line: line[row].__setitem__(field, value))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"what?", "JSON is malformed: invalid character (byte 0)"),
        (b'{"event": "started"}', "Expected `array`, got `object`"),
        (b"[1]", "Expected `array` of at least length 4, got 1"),
        (replaced(3, 0, 9), "Invalid value 9 - at `$[3][0]` (written by jobreporter 0.1.0)"),
        (replaced(2, 7, "two"), "Expected `int`, got `str` - at `$[2][7]` (written by jobreporter 0.1.0)"),
        (replaced(2, 0, "\ud800"), "malformed"),
        (
            changed(FULL[0], lambda line: line.__setitem__(0, 2)),
            "it is of codec 2, and this version reads codec 1",
        ),
    ],
)
def test_a_line_that_is_none_says_why(line: bytes, reason: str) -> None:
    """With the place in it, and the version that wrote it where that can be told."""
    with pytest.raises(Unreadable) as raised:
        decode_line(line)
    assert reason in str(raised.value)
