"""A stream, a relay and its target, for the faults: turns are the test's, and what a relay does can be cut off anywhere."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from jobreporter._agent.relay import Relay
from jobreporter._config.places import Place
from jobreporter._config.records import ReporterConfig
from jobreporter._config.settings import LaneSettings
from jobreporter._stream.decode import Decoded, Unknown, decode
from jobreporter.context import Origin
from jobreporter.streams import Entry, Stream, StreamDown
from tests.stream_faults.fleet import PATIENCE, Fleet, ids

AGENT = Origin(host="host-1", pid=1, version="0.1.0")


class Killed(BaseException):
    """The process is gone: nothing that would come after happens."""


class Path(NamedTuple):
    """From one stream to another."""

    source: Fleet
    target: Fleet


class Relays:
    """The relays of a path, each in an agent of its own."""

    def __init__(self, path: Path) -> None:
        self.source, self.target = path
        self._owners = itertools.count()
        self.alive: list[Relay] = []

    def relay(self, name: str = "central", **lane: Any) -> Relay:
        config = ReporterConfig(name=name, use="relay", place=Place(name), lane=LaneSettings(**lane))
        relay = Relay(
            config,
            self.source.stream,
            self.target.stream,
            self.source.clock,
            reporters={name: config.lane.start},
            owner=b"agent%02d" % next(self._owners),
            origin=AGENT,
        )
        self.alive.append(relay)
        return relay

    def close(self) -> None:
        for relay in self.alive:
            relay.close()
        self.alive.clear()


def turn(relay: Relay, until: Callable[[], object], why: str = "it") -> None:
    """Go on until something is so."""
    end = time.monotonic() + PATIENCE
    while not until():
        assert time.monotonic() < end, f"{why} took too long: {relay.trouble}"
        if not relay.turn():
            relay.wait(0.2)


def until_settled(relay: Relay, fleet: Fleet) -> None:
    """It has handed on all that its source holds."""

    def settled() -> bool:
        ledgers = [each for each in fleet.stream().ledgers() if each.reporter == relay.name]
        return bool(ledgers) and all(each.pending == 0 for each in ledgers)

    turn(relay, settled, "handing on")
    fleet.check_ledgers()


def entries_of(fleet: Fleet) -> list[Entry]:
    stream = fleet.stream()
    return [each for number in range(stream.partitions) for each in stream.read(number, 0, 10**9).entries]


def batches_of(fleet: Fleet) -> list[Decoded]:
    return [decode(each.data) for each in entries_of(fleet)]


def events_of(fleet: Fleet) -> list[Any]:
    return [event for batch in batches_of(fleet) for event in batch.events]


def assert_once(fleet: Fleet, sent: Sequence[Any]) -> None:
    """Each event is there once, and those of each job are in order."""
    got = events_of(fleet)
    assert not any(isinstance(each, Unknown) for each in got)
    assert sorted(ids(got)) == sorted(ids(sent))
    for job in {event.job.id for event in sent}:
        assert ids([each for each in got if each.job.id == job]) == ids([each for each in sent if each.job.id == job])


class Flaky:
    """A stream whose calls fail when they are told to."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        #: What is raised instead of an append.
        self.raises: Exception | None = None
        #: How many of the next appends are executed, and their answers lost.
        self.lose_answers = 0
        self.tries = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def close(self) -> None:
        """It is given again to who opens it anew; the fleet closes the stream."""

    def append(self, *arguments: Any, **more: Any) -> Any:
        self.tries += 1
        if self.raises is not None:
            raise self.raises
        answers = self._stream.append(*arguments, **more)
        if self.lose_answers:
            self.lose_answers -= 1
            raise StreamDown("the answer was lost")
        return answers


def flaky_target(relay: Relay, fleet: Fleet) -> Flaky:
    """Put one between a relay and its target."""
    flaky = Flaky(fleet.stream())
    relay._target._opener = lambda: flaky  # type: ignore[assignment,return-value]  # it does all that a stream does
    return flaky
