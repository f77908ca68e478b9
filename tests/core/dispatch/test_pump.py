"""From the ingress into the lanes: order, flushes, pace, and what is said of drops."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jobreporter import Dispatcher, Event, Job, hookimpl
from jobreporter._dispatch.rest import NAP, SHORT_SLEEP
from jobreporter._dispatch.throughput import SOON, TURNS, WINDOW, Throughput
from jobreporter._lane.buffer import Batch
from jobreporter._publish.ingress import LIMIT
from jobreporter.testing import Recorder, SteppedClock, make_event, make_job
from tests.waiting import arrives, until

Make = Callable[..., Dispatcher]


@pytest.fixture
def dispatch() -> Iterator[Make]:
    """Makes dispatchers that are closed after the test."""
    made: list[Dispatcher] = []

    def make(reporters: dict[str, object], **tables: Any) -> Dispatcher:
        made.append(Dispatcher(reporters, config={"reporters": tables}))
        return made[-1]

    yield make
    for dispatcher in made:
        dispatcher.close(5)


def event(number: int) -> Event:
    return make_event("success", job=make_job(id=str(number)))


class Gate:
    """Holds each event until the gate is open."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.reached = threading.Event()

    @hookimpl
    def handle_success(self) -> None:
        self.reached.set()
        self.open.wait()


def test_order_is_kept_from_several_threads(dispatch: Make) -> None:
    """A reporter sees the events of each thread in the order in which that published them."""
    recorder = Recorder()
    dispatcher = dispatch({"recorder": recorder})
    barrier = threading.Barrier(4)

    def publish(thread: int) -> None:
        barrier.wait()
        for number in range(500):
            dispatcher.publish(make_event("success", job=make_job(id=f"{thread} {number}")))

    threads = [threading.Thread(target=publish, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert dispatcher.close(10)
    seen: dict[str, list[int]] = {}
    for recorded in recorder.events:
        thread, number = recorded.job.id.split()
        seen.setdefault(thread, []).append(int(number))
    assert seen == {str(thread): list(range(500)) for thread in range(4)}


def test_a_burst_is_not_dropped_by_reporters_that_keep_pace(dispatch: Make) -> None:
    """Far more events at once than a buffer holds wait in the ingress for lanes that work them off."""
    reporters = {f"r{number}": Recorder() for number in range(3)}
    dispatcher = dispatch(reporters)
    for number in range(40_000):
        dispatcher.publish(event(number))
    assert dispatcher.flush(30)
    for name, stats in dispatcher.stats().items():
        assert (stats.handled, stats.dropped) == (40_000, {}), name


def test_a_slow_reporter_holds_up_nobody(dispatch: Make) -> None:
    """While one reporter hangs with a full buffer, the other gets every event at once."""
    gate, recorder = Gate(), Recorder()
    dispatcher = dispatch({"gate": gate, "recorder": recorder}, gate={"lane": {"capacity": 10}})
    for number in range(1_000):
        dispatcher.publish(event(number))
    until(lambda: dispatcher.stats()["recorder"].handled == 1_000)
    stats = dispatcher.stats()["gate"]
    assert stats.dropped["capacity"] > 0
    assert stats.accepted == 1_000
    gate.open.set()


def test_drops_are_told_with_their_kinds(dispatch: Make, caplog: pytest.LogCaptureFixture) -> None:
    """A reporter that is too slow is named once per half minute, with what it lost by kind of event."""
    gate = Gate()
    dispatcher = dispatch({"gate": gate}, gate={"lane": {"capacity": 2}})
    dispatcher.publish(event(0))
    arrives(gate.reached)
    for number in range(10):
        dispatcher.publish(event(number))
    until(lambda: dispatcher.stats()["gate"].dropped)
    gate.open.set()
    assert dispatcher.flush(10)
    dropped = dispatcher.stats()["gate"].dropped["capacity"]
    (line,) = [message for message in caplog.messages if "too slow" in message]
    assert line == f"reporter 'gate' is too slow: {dropped} more events dropped (in all: {dropped} success)"


def test_a_flush_waits_for_what_was_published_before_it_only(dispatch: Make) -> None:
    """A publisher that never pauses puts no flush off."""
    recorder = Recorder()
    dispatcher = dispatch({"recorder": recorder})
    stop = threading.Event()

    def publish() -> None:
        while not stop.wait(0.0001):
            dispatcher.publish(event(0))

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        for _ in range(5):
            dispatcher.publish(make_event("started"))
            assert dispatcher.flush(10)
            before_flush = recorder.names()[: len(recorder.calls) - recorder.names()[::-1].index("reporter_flush")]
            assert before_flush.count("handle_started") == len(recorder.of("handle_started"))
        assert dispatcher.close(10), "and it puts off no close"
    finally:
        stop.set()
        thread.join()


def test_a_flush_that_is_late_says_what_remains(dispatch: Make, caplog: pytest.LogCaptureFixture) -> None:
    """`flush` keeps its deadline, returns ``False``, and names the reporter that still has events."""
    gate = Gate()
    dispatcher = dispatch({"gate": gate, "recorder": Recorder()})
    dispatcher.publish(event(0))
    arrives(gate.reached)
    assert not dispatcher.flush(0.01)
    assert "not flushed within 0.01 s: 1 events for reporter 'gate' remain" in caplog.text
    gate.open.set()


def test_a_busy_reporter_is_flushed_in_time(dispatch: Make) -> None:
    """The flush interval holds in the middle of a long run of events too."""
    flushed_after: list[int] = []
    flushed = threading.Event()
    handled = 0

    class Busy:
        @hookimpl
        def handle_success(self) -> None:
            nonlocal handled
            handled += 1
            flushed.wait(0.005)

        @hookimpl
        def reporter_flush(self) -> None:
            flushed_after.append(handled)
            flushed.set()

    dispatcher = dispatch({"busy": Busy}, busy={"lane": {"flush_interval": 0.01}})
    for number in range(250):
        dispatcher.publish(event(number))
    arrives(flushed)
    assert 0 < flushed_after[0] < 250


def test_an_idle_reporter_is_flushed_after_its_last_event(dispatch: Make) -> None:
    """A flush comes once per interval in which events came, and then no more."""
    recorder = Recorder()
    dispatcher = dispatch({"recorder": recorder}, recorder={"lane": {"flush_interval": 0.01}})
    dispatcher.publish(event(0))
    until(lambda: recorder.names()[-1:] == ["reporter_flush"])
    flushes = len(recorder.of("reporter_flush"))
    dispatcher.publish(event(1))
    until(lambda: len(recorder.of("reporter_flush")) > flushes)


def test_filtered_events_are_counted_and_not_delivered(dispatch: Make) -> None:
    """What ``when`` keeps back, and what a reporter has no hook for, is filtered."""
    gate, recorder = Gate(), Recorder()
    gate.open.set()
    dispatcher = dispatch({"gate": gate, "recorder": recorder}, recorder={"when": {"events": ["started"]}})
    for kind in ("started", "success", "stopped"):
        dispatcher.publish(make_event(kind))
    assert dispatcher.flush(10)
    stats = dispatcher.stats()
    assert (stats["gate"].handled, stats["gate"].filtered) == (1, 2)
    assert (stats["recorder"].handled, stats["recorder"].filtered) == (1, 2)
    assert [type(event).__name__ for event in recorder.events] == ["Started"]


@pytest.mark.parametrize("ends", ["by itself", "by a flush"])
def test_what_comes_in_a_nap_is_one_batch(ends: str) -> None:
    """A short job's start and end wake the pump once, and each lane once; whoever waits for them ends the nap."""
    recorder, clock = Recorder(), SteppedClock()
    dispatcher = Dispatcher({"recorder": recorder}, clock=clock)
    dispatcher.start()
    [lane] = dispatcher._runtime.lanes
    offer, batches = lane.offer, []

    def noted(batch: Batch) -> None:
        batches.append(len(batch.events))
        offer(batch)

    lane.offer = noted  # type: ignore[method-assign]
    until(lambda: dispatcher._ingress.asleep)
    dispatcher.publish(event(1))
    clock.advance(0)  # which waits for the pump to nap
    dispatcher.publish(event(2))
    assert not batches
    napping_since = clock.monotonic()
    if ends == "by a flush":
        assert dispatcher.flush(1)
        assert clock.monotonic() < napping_since + NAP
    else:
        clock.advance(NAP)
        assert len(recorder.events) == 2
    assert batches == [2]
    assert dispatcher.close(10)


@pytest.mark.parametrize(("slept", "then"), [(2 * SHORT_SLEEP, "sleeps"), (0.0, "naps on")])
def test_a_pump_that_was_woken_too_soon_naps_on(slept: float, then: str) -> None:
    """One event in a nap isn't worth another, but where events come about as fast as that: a publisher would wake it each time."""
    recorder, clock = Recorder(), SteppedClock()
    dispatcher = Dispatcher({"recorder": recorder}, clock=clock)
    dispatcher.start()
    asleep = dispatcher._ingress.asleep
    until(lambda: asleep)
    clock.advance(slept)
    dispatcher.publish(event(1))
    clock.advance(0)
    assert not asleep, "it naps"
    dispatcher.publish(event(2))
    clock.advance(NAP)
    assert ("sleeps" if asleep else "naps on") == then
    assert dispatcher.flush(10)
    assert dispatcher.close(10)


def test_what_was_accepted_never_becomes_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader of the ledger who comes while the pump has events in its hands counts them as pending."""
    clock = SteppedClock()
    dispatcher = Dispatcher({"recorder": Recorder()}, clock=clock)
    dispatcher.start()
    until(lambda: dispatcher._ingress.asleep)
    scales, reached, go_on = dispatcher._runtime.pump.intake._scales, threading.Event(), threading.Event()
    remember = scales.remember

    def remember_slowly(job: Job, weight: int) -> None:
        if job.id == "2":
            clock.hanging.add(threading.get_ident())
            reached.set()
            go_on.wait(10)
        remember(job, weight)

    monkeypatch.setattr(scales, "remember", remember_slowly)
    for number in range(4):
        dispatcher.publish(event(number))
    assert dispatcher.stats()["recorder"].accepted == 4
    clock.advance(NAP)
    assert reached.wait(10)
    assert not dispatcher._ingress.items, "all are in its hands"
    stats = dispatcher.stats()["recorder"]
    clock.hanging.clear()
    go_on.set()
    assert (stats.accepted, stats.pending) == (4, 4)
    assert dispatcher.flush(10)
    assert dispatcher.close(10)


def test_an_event_whose_bell_was_never_rung_is_found(dispatch: Make) -> None:
    """A publisher that is interrupted between its append and the bell delays its event, and loses none."""
    recorder, clock = Recorder(), SteppedClock()
    dispatcher = Dispatcher({"recorder": recorder}, clock=clock)
    dispatcher.start()
    clock.advance(0)
    dispatcher._ingress.items.append(event(7))
    while not recorder.events:
        clock.advance(0.5)
    assert dispatcher.close(10)


def test_a_full_ingress_counts_for_every_reporter(dispatch: Make) -> None:
    """What the pump could not take in time is lost for all reporters, and in the ledger of each."""
    recorder, clock = Recorder(), SteppedClock()
    dispatcher = Dispatcher({"recorder": recorder}, clock=clock)
    dispatcher.publish(event(0))
    clock.advance(0)  # the pump naps: time stands still, so it does for as long as this test likes
    until(lambda: len(recorder.events) == 1)
    for _ in range(LIMIT + 5):
        dispatcher.publish(event(1))
    stats = dispatcher.stats()["recorder"]
    assert (stats.accepted, stats.dropped, stats.pending) == (LIMIT + 6, {"ingress": 5}, LIMIT + stats.unflushed)
    dispatcher._ingress.items.clear()
    assert dispatcher.close(10)


def turns(pace: Throughput, done: int, waiting: int) -> bool:
    """What the pump is told after as many turns as a pace is taken over."""
    return [pace.catches_up(done, waiting) for _ in range(TURNS)][-1]


def test_pace_tells_a_lane_that_could_not_run_from_a_slow_one() -> None:
    """A crowd is given the benefit of the doubt for a moment; then what was done of it counts."""
    clock = SteppedClock(0)
    pace = Throughput(100, clock)
    assert not pace.catches_up(0, 100), "no crowd"
    assert turns(pace, 0, 101), "had no time yet"
    clock.advance(WINDOW)
    assert not pace.catches_up(1, 1_000), "20 a second are too few"
    clock.advance(WINDOW / 2)
    assert not turns(pace, 500, 1_000), "judged again after a window only"
    clock.advance(WINDOW / 2)
    done_in_window = round(1_000 / SOON * WINDOW) + 2
    assert pace.catches_up(1 + done_in_window, 1_000)


def test_a_machine_that_starves_the_pump_starves_the_lane_too() -> None:
    """Time alone says nothing: a lane is slow if it got little done while the pump had its turns."""
    clock = SteppedClock(0)
    pace = Throughput(100, clock)
    for _ in range(TURNS):
        assert pace.catches_up(0, 1_000)
        clock.advance(WINDOW)
    assert not pace.catches_up(0, 1_000)


def test_a_slow_lane_is_not_trusted_anew_before_it_is_through_with_most() -> None:
    """Falling below the mark for a moment is not keeping pace."""
    clock = SteppedClock(0)
    pace = Throughput(100, clock)
    turns(pace, 0, 101)
    clock.advance(WINDOW)
    assert not pace.catches_up(1, 101)
    assert not pace.catches_up(2, 100)
    assert not pace.catches_up(2, 101), "still the slow one"
    assert not pace.catches_up(60, 50)
    assert pace.catches_up(60, 101), "it got through most of it, and may have no chance to run now"
