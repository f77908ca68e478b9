"""Faults 9 and 10: an append is executed, and its answer is lost. Its repeat is the same, or holds more events by then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from jobreporter import Event
from jobreporter._stream.decode import decode
from jobreporter._stream.encode import Header, encode
from jobreporter._stream.handover import Outcome, Part, hand_over
from jobreporter._stream.outlets import DirectOutlet
from jobreporter.streams import Batch, Stream, StreamDown
from tests.stream_faults.fleet import ORIGIN, Fleet, executions, ids

SENT = executions(40)


def stored(stream: Stream) -> list[Event]:
    entries = [entry for number in range(stream.partitions) for entry in stream.read(number, 0, 10**9).entries]
    return [event for entry in entries for event in decode(entry.data).events if isinstance(event, Event)]


class LosesAnswers:
    """A stream that executes appends, and often doesn't live to say so."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.appends = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def append(self, producer: bytes, batches: Sequence[Batch], beat: bytes | None = None) -> Any:
        answers = self._stream.append(producer, batches, beat)
        self.appends += 1
        if self.appends % 3:
            raise StreamDown("the answer is lost")
        return answers


def test_09_a_repeat_is_known(fleet: Fleet) -> None:
    """Each event is stored once, in order, however often a worker has to ask."""
    lost: list[tuple[str, int]] = []
    losing = LosesAnswers(fleet.stream())
    outlet = DirectOutlet(losing, b"producer", ORIGIN, lambda *what: lost.append(what), {})  # type: ignore[arg-type]  # a stream
    for start in range(0, len(SENT), 12):
        outlet.add(SENT[start : start + 12])
        for _ in range(50):
            try:
                outlet.flush()
                break
            except StreamDown:
                continue
    assert losing.appends > 10
    assert sorted(ids(stored(fleet.stream()))) == sorted(ids(SENT))
    assert lost == []


@pytest.mark.parametrize("more", [0, 1, 20])
def test_10_a_repeat_that_holds_more_is_cut(fleet: Fleet, more: int) -> None:
    """What the stream has is cut off, and the rest is stored."""
    stream = fleet.stream()

    def part(count: int) -> Part:
        encoded = encode(Header(b"producer", 1, ORIGIN), SENT[:count])
        return Part(0, 1, count, range(1, count + 1), encoded)

    first, repeat = part(10), part(10 + more)
    assert stream.append(b"producer", [first.batch()])[0].status == "stored"
    noted: list[Part] = []
    assert hand_over(stream, b"producer", [repeat], noted=noted.append) == Outcome()
    assert ids(stored(stream)) == ids(SENT[: 10 + more])
    assert len(noted) == 1


def test_10_a_late_append_is_no_second_one(fleet: Fleet) -> None:
    """It was timed out, its repeat is stored, and then the server gets to it after all."""
    stream = fleet.stream()
    encoded = encode(Header(b"producer", 1, ORIGIN), SENT[:5])
    late = Part(0, 1, 5, range(1, 6), encoded)
    longer = encode(Header(b"producer", 1, ORIGIN), SENT[:9])
    hand_over(stream, b"producer", [Part(0, 1, 9, range(1, 10), longer)], noted=lambda _part: None)
    assert stream.append(b"producer", [late.batch()])[0].status == "known"
    assert ids(stored(stream)) == ids(SENT[:9])
