"""Fault 45: relays lead round in a circle. Each event is at each stream once, however long they go on."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from jobreporter._agent.relay import Relay
from jobreporter._agent.relay_track import passed
from jobreporter._stream.decode import decode
from jobreporter._stream.raw_batch import RawBatch
from jobreporter.streams.sqlite import engine as sqlite
from tests.stream_faults.fleet import Fleet, executions
from tests.stream_faults.relayed import Path, Relays, assert_once, entries_of

#: Turns of every relay: a circle that goes on would have made the streams many times as long by then.
TURNS = 12


class Circle:
    """Streams, each with a relay to the next one."""

    def __init__(self, fleets: Sequence[Fleet]) -> None:
        self.fleets = fleets
        self.paths = [Relays(Path(fleet, fleets[(n + 1) % len(fleets)])) for n, fleet in enumerate(fleets)]
        self.relays: list[Relay] = [path.relay(f"to-{n}") for n, path in enumerate(self.paths)]

    def go_on(self) -> None:
        """Until nothing moves, and some turns more."""
        for _ in range(TURNS):
            for relay in self.relays:
                while relay.turn():
                    pass
                relay._is_to_read = True

    def heads(self) -> list[int]:
        return [sum(entry.events for entry in entries_of(fleet)) for fleet in self.fleets]

    def close(self) -> None:
        for path in self.paths:
            path.close()


@pytest.fixture(params=[2, 3])
def circle(request: pytest.FixtureRequest, engine_and_url: tuple[Any, str], tmp_path: Any) -> Iterator[Circle]:
    """Of two or three, one of them on each engine."""
    own = [Fleet(sqlite, f"sqlite://{tmp_path}/{number}.db", partitions=number) for number in range(1, request.param)]
    circle = Circle([*own, Fleet(*engine_and_url)])
    yield circle
    circle.close()
    for fleet in circle.fleets:
        fleet.close()


def test_each_event_is_everywhere_once(circle: Circle, caplog: pytest.LogCaptureFixture) -> None:
    """Whichever stream it began at; and the log says what the matter is."""
    sent = []
    for number, fleet in enumerate(circle.fleets):
        events = executions(5, f"from-{number}")
        fleet.producer().send(events)
        sent += events
    with caplog.at_level(logging.WARNING, "jobreporter"):
        circle.go_on()
    assert circle.heads() == [len(sent)] * len(circle.fleets)
    for number, fleet in enumerate(circle.fleets):
        assert_once(fleet, sent)
        ledger = fleet.ledger(f"to-{number}")
        came_from_the_next = len(sent) // len(circle.fleets)
        assert (ledger.pending, ledger.filtered) == (0, came_from_the_next)
    told = [record.getMessage() for record in caplog.records]
    assert sum("relays lead round in a circle" in each for each in told) >= len(circle.fleets)


def test_it_ends_too_where_relays_are_forgotten(circle: Circle) -> None:
    """Those that are new hand on everything once more. It stands with the events where they have been, and so it ends."""
    circle.fleets[0].producer().send(executions(5))
    circle.go_on()
    for number, (fleet, path) in enumerate(zip(circle.fleets, circle.paths, strict=True)):
        path.close()
        stream = fleet.stream()
        for process in stream.beats():
            stream.leave(process)
        assert stream.rewind(f"to-{number}", None)
        circle.relays[number] = path.relay(f"to-{number}")
    circle.go_on()
    before = circle.heads()
    circle.go_on()
    assert circle.heads() == before
    assert before[0] == 15, "where they began they are once"


def test_what_was_handed_on_says_where_it_has_been(circle: Circle) -> None:
    """In the order in which it was there."""
    circle.fleets[0].producer().send(executions(1))
    circle.go_on()
    been = [fleet.stream().identity for fleet in circle.fleets]
    for number, fleet in enumerate(circle.fleets):
        for entry in entries_of(fleet):
            assert RawBatch(entry.data).through == been[:number]
            assert len(decode(entry.data).events) == entry.events


def test_a_relay_tells_its_target_what_it_passes(circle: Circle) -> None:
    """So that it can be seen at each of them that there is a circle, before anything has come back."""
    circle.go_on()
    for relay in circle.relays:
        relay._turns.put_off("beat", 0)
    circle.go_on()
    for number, fleet in enumerate(circle.fleets):
        beats = fleet.stream().beats().values()
        assert circle.fleets[number - 1].stream().identity in passed(beats)
