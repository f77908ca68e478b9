"""Workers, agents and vendors for the faults, on any engine, with a clock that runs quicker than the wall's."""

from __future__ import annotations

import itertools
import time
from _thread import LockType
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from jobreporter import Event, Failure, Job, Started, Stopped, Success, TryAgain, Undeliverable, hookimpl
from jobreporter._agent.agent import Agent
from jobreporter._dispatch.wiring import from_objects
from jobreporter._stream.encode import Header, encode
from jobreporter._stream.handover import Outcome, Part, hand_over
from jobreporter._stream.partition import partition_of
from jobreporter._system.clock import Clock
from jobreporter.context import Origin
from jobreporter.streams import Ledger, Retention, Stream, StreamSettings
from jobreporter.testing import make_error

ORIGIN = Origin(service="shop", host="web-1", pid=4711, version="0.1.0")
FOREVER = Retention(max_age=1e6, max_bytes=10**9, forget_after=1e6)
#: Real seconds that anything may take.
PATIENCE = 20.0


class QuickClock(Clock):
    """A second of it is a few milliseconds of the wall's: an hour's outage takes half a minute, and no backoff is skipped."""

    def __init__(self, factor: float = 100.0) -> None:
        self._factor = factor
        #: Seconds that were skipped, as when a process was stopped.
        self.skipped = 0.0

    def monotonic(self) -> float:  # type: ignore[override]  # a static method in the class that it stands in for
        return time.monotonic() * self._factor + self.skipped

    def random(self) -> float:  # type: ignore[override]
        return 1.0

    def acquire(self, lock: LockType, timeout: float | None) -> bool:
        return super().acquire(lock, None if timeout is None else timeout / self._factor)


class Vendor:
    """A reporter that keeps what it takes until it flushes, and can be made to fail in every way."""

    def __init__(self) -> None:
        #: What has arrived, in order.
        self.got: list[Event] = []
        #: Raised by handlers, or by flushes, of all events.
        self.handler_raises: type[BaseException] | None = None
        self.flush_raises: type[BaseException] | None = None
        #: Events that are poison: they raise in the handler, or in a flush that has one of them.
        self.poison: Callable[[Event], bool] = lambda event: False
        self.poison_in_flush = False
        self.undeliverable: Callable[[Event], bool] = lambda event: False
        self.refusal = "the vendor refuses it for good"
        #: Called with each event before it is taken, and before each flush.
        self.on_event: Callable[[Event], object] = lambda event: None
        self.on_flush: Callable[[list[Event]], object] = lambda events: None
        self.starts = 0
        self.flushes: list[int] = []

    @hookimpl
    def reporter_start(self) -> list[Event]:
        self.starts += 1
        return []

    def _take(self, event: Event, state: list[Event]) -> None:
        self.on_event(event)
        if self.handler_raises is not None:
            raise self.handler_raises
        if self.undeliverable(event):
            raise Undeliverable(self.refusal)
        if self.poison(event) and not self.poison_in_flush:
            raise ValueError("poison")
        state.append(event)

    @hookimpl
    def handle_started(self, meta: Started, state: list[Event]) -> None:
        self._take(meta, state)

    @hookimpl
    def handle_success(self, meta: Success, state: list[Event]) -> None:
        self._take(meta, state)

    @hookimpl
    def handle_failure(self, meta: Failure, state: list[Event]) -> None:
        self._take(meta, state)

    @hookimpl
    def handle_stopped(self, meta: Stopped, state: list[Event]) -> None:
        self._take(meta, state)

    @hookimpl
    def reporter_flush(self, state: list[Event]) -> None:
        self.on_flush(state)
        if self.flush_raises is not None:
            raise self.flush_raises
        if self.poison_in_flush and any(self.poison(event) for event in state):
            raise ValueError("poison")
        self.flushes.append(len(state))
        self.got += state
        state.clear()


def ids(events: Sequence[Event]) -> list[str]:
    return [f"{event.job.id} {type(event).__name__}" for event in events]


def have_arrived(sent: Sequence[Event], got: Sequence[Event]) -> bool:
    """Whether each was received, however often."""
    return set(ids(sent)) <= set(ids(got))


def execution(name: str, *, end: bool = True, fails: bool = False) -> list[Event]:
    """The events of one execution."""
    job = Job(id=name, execution_id=f"{name}/1", name="work", source="python")
    events: list[Event] = [Started(job=job, at=1.0)]
    if not end:
        return events
    outcome: Event = Failure(job=job, at=2.0, error=make_error()) if fails else Success(job=job, at=2.0)
    return [*events, outcome, Stopped(job=job, at=2.0, outcome="failure" if fails else "success")]


def executions(count: int, prefix: str = "job") -> list[Event]:
    return [event for number in range(count) for event in execution(f"{prefix}-{number}")]


class Producer:
    """A worker, as far as a stream knows it."""

    def __init__(self, stream: Stream, name: bytes) -> None:
        self.stream = stream
        self.name = name
        self.next: dict[int, int] = {}
        self.outcome = Outcome()

    def parts(self, events: Sequence[Event]) -> list[Part]:
        """The batches of these events, with the next numbers."""
        grouped: dict[int, list[Event]] = {}
        for event in events:
            grouped.setdefault(partition_of(event.job.id, self.stream.partitions), []).append(event)
        parts = []
        for partition, chosen in grouped.items():
            first = self.next.get(partition, 1)
            encoded = encode(Header(self.name, first, ORIGIN), chosen)
            numbers = range(first, first + len(chosen))
            self.next[partition] = numbers.stop
            parts.append(Part(partition, first, numbers.stop - 1, numbers, encoded))
        return parts

    def send(self, events: Sequence[Event], *, each: int = 30) -> None:
        """Append events, some at a time."""
        for start in range(0, len(events), each):
            parts = self.parts(events[start : start + each])
            self.outcome = self.outcome.plus(hand_over(self.stream, self.name, parts, noted=lambda _part: None))


class OpenedStream(NamedTuple):
    """What an agent asks of a config's stream."""

    stream: Callable[[], Stream]
    retention: Retention = FOREVER
    spool: str | None = None

    def open(self) -> Stream:
        return self.stream()


class TestAgent:
    """An agent whose turns are the test's: lanes run on their threads, and everything else when it is told to."""

    __test__ = False

    def __init__(
        self, fleet: Fleet, vendors: dict[str, Any], retention: Retention, spool: str | None, **tables: Any
    ) -> None:
        wiring = from_objects(vendors, {"reporters": tables})
        for factory in wiring.factories:
            factory.prepare()
        opened = OpenedStream(fleet.stream, retention, spool)
        self.clock = fleet.clock
        self.agent = Agent(wiring, opened, fleet.clock)  # type: ignore[arg-type]  # all that it asks for is there
        self.feeder = self.agent.feeder
        self.lanes = {lane.name: lane for lane in self.agent.lanes}
        for watchdog in self.agent._watchdogs:
            watchdog.start()
        self.over = False

    def turn(self) -> None:
        self.feeder.turn()
        for watchdog in self.agent._watchdogs:
            watchdog.look()

    def until(self, condition: Callable[[], object], why: str = "it") -> None:
        """Go on until something is so."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"{why} took too long: {self.agent.stats()}"
            self.turn()
            self.feeder.wait(0.02)

    def until_settled(self) -> None:
        """Everything that the stream holds is settled by every reporter."""
        names = set(self.lanes)

        def settled() -> bool:
            ledgers = [each for each in self.feeder._stream.ledgers() if each.reporter in names]
            return bool(ledgers) and all(each.pending == 0 for each in ledgers)

        self.until(settled, "settling")

    def stop(self) -> None:
        """As SIGTERM does it."""
        if self.over:
            return
        self.over = True
        by = self.clock.monotonic() + 15
        self.feeder.stopping = True
        for lane in self.agent.lanes:
            lane.stop(by)
        self.until(lambda: all(watchdog.over for watchdog in self.agent._watchdogs), "the lanes' end")
        self.feeder.close()

    def kill(self) -> None:
        """As SIGKILL does it, as far as the stream can see: nothing is flushed, settled or given up."""
        if self.over:
            return
        self.over = True
        for lane in self.agent.lanes:
            lane.windows.stopped = True
            lane.end()
        self.feeder._stream.close()


class Fleet:
    """A stream of one engine, and the processes around it."""

    def __init__(self, engine: Any, url: str, **settings: Any) -> None:
        self.engine, self.url, self.settings = engine, url, settings
        self.clock = QuickClock()
        self._opened: list[Stream] = []
        self._agents: list[TestAgent] = []
        self._names = itertools.count()

    def stream(self) -> Stream:
        stream: Stream = self.engine.open(self.url, self.stream_settings())
        self._opened.append(stream)
        return stream

    def stream_settings(self) -> StreamSettings:
        return StreamSettings(namespace="shop", **self.settings)

    def producer(self) -> Producer:
        return Producer(self.stream(), b"worker%02d" % next(self._names))

    def agent(
        self,
        retention: Retention = FOREVER,
        spool: str | None = None,
        tables: dict[str, Any] | None = None,
        **vendors: Any,
    ) -> TestAgent:
        """An agent with these reporters."""
        agent = TestAgent(self, vendors, retention, spool, **(tables or {}))
        self._agents.append(agent)
        return agent

    def ledger(self, reporter: str) -> Ledger:
        """That of all partitions, which has to be closed: the 46th fault, after every one."""
        self.check_ledgers()
        found = [each for each in self.stream().ledgers() if each.reporter == reporter]
        sums = {
            name: sum(getattr(each, name) for each in found)
            for name in ("start", "position", "head", "handled", "dead", "filtered", "expired", "unknown")
        }
        return Ledger(reporter=reporter, partition=-1, **sums)

    def check_ledgers(self) -> None:
        for each in self.stream().ledgers():
            settled = each.handled + each.dead + each.filtered + each.expired + each.unknown
            assert settled == each.position - each.start, each
            assert each.accepted == settled + each.pending, each
            assert each.start <= each.position <= each.head, each

    def close(self) -> None:
        for agent in self._agents:
            agent.kill()
        self.check_ledgers()
        for stream in self._opened:
            stream.close()


def assert_complete(got: Sequence[Event], sent: Sequence[Event], *, duplicates: int = 0) -> None:
    """Every event that was sent has arrived at least once, those of each job in order, with so many duplicates at most."""
    counts = Counter(ids(got))
    missing = Counter(ids(sent)) - counts
    assert not missing, missing
    assert sum(counts.values()) - len(sent) <= duplicates, f"{sum(counts.values()) - len(sent)} duplicates"
    assert_ordered(got, sent)


def assert_ordered(got: Sequence[Event], sent: Sequence[Event]) -> None:
    """The first arrivals of each job's events are in the order in which they were sent."""
    for job in {event.job.id for event in sent}:
        arrived = list(dict.fromkeys(ids([event for event in got if event.job.id == job])))
        expected = [each for each in ids([event for event in sent if event.job.id == job]) if each in arrived]
        assert arrived == expected, job


__all__ = ["Fleet", "Producer", "QuickClock", "TryAgain", "Vendor", "assert_complete", "execution", "executions", "ids"]
