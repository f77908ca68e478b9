"""The way in: what a job's own thread runs through."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from jobreporter import Dispatcher, Event, Job, hookimpl
from jobreporter._publish.ingress import LIMIT, SLEEPS, Ingress
from jobreporter._publish.tally import Tally
from jobreporter._system.clock import SYSTEM
from jobreporter._system.wakeup import Latch, Wakeup
from jobreporter.testing import Recorder, SteppedClock, make_event
from tests.waiting import until


def test_a_tally_counts_what_many_threads_add() -> None:
    """No addition is lost, and reading moves nothing on."""
    tally = Tally()
    threads = [threading.Thread(target=lambda: [tally.add(1) for _ in range(5_000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tally.total == tally.total == 20_000


def test_a_bell_rung_early_is_heard_later() -> None:
    """Ringing while nobody waits makes the next wait return, once."""
    wakeup = Wakeup(SYSTEM)
    wakeup.wake()
    wakeup.wake()
    assert wakeup.wait(0)
    assert not wakeup.wait(0)


def test_a_latch_stays_open() -> None:
    """A latch lets everybody through, however often."""
    latch = Latch(SYSTEM)
    assert not latch.wait(0)
    latch.open()
    assert latch.wait(0)
    assert latch.wait(0)


def test_what_is_too_much_is_counted() -> None:
    """Beyond its limit the ingress takes nothing more, and counts what it turned away."""
    wakes: list[None] = []
    ingress = Ingress(lambda: wakes.append(None), SYSTEM)
    event = make_event("started")
    for _ in range(LIMIT + 7):
        ingress.publish(event)  # type: ignore[arg-type]
    assert (len(ingress.items), ingress.waiting, ingress.overflowed.by_kind) == (LIMIT, LIMIT, {"started": 7})
    assert len(wakes) == LIMIT + 7


def test_of_a_burst_of_publishers_one_rings() -> None:
    """Whoever takes the token wakes the pump. The others, and those who are late, have nothing to do."""
    dispatcher = Dispatcher({"recorder": Recorder()})
    ingress = dispatcher._ingress
    dispatcher._runtime.pump.running = True
    ingress.asleep[:] = [SLEEPS]
    ingress.publish(make_event("started"))  # type: ignore[arg-type]
    assert ingress.asleep == []
    assert ingress.wakeup.wait(0)
    ingress.publish(make_event("started"))  # type: ignore[arg-type]
    ingress.rouse()
    assert not ingress.wakeup.wait(0)
    dispatcher._runtime.pump.running = False
    assert dispatcher.close(20)


def test_a_publisher_that_never_rings_delays_its_event_and_loses_none() -> None:
    """Interrupted after it has taken the token, it leaves a pump that sleeps on: that wakes by itself, and finds both."""
    recorder, clock = Recorder(), SteppedClock()
    dispatcher = Dispatcher({"recorder": recorder}, clock=clock)
    dispatcher.start()
    while not dispatcher._ingress.asleep:
        clock.advance(0.01)
    dispatcher._ingress.asleep.remove(SLEEPS)
    for _ in range(2):
        dispatcher.publish(make_event("started"))
    while len(recorder.events) < 2:
        clock.advance(0.1)
    assert dispatcher.close(10)


def test_a_publisher_that_wakes_the_pump_of_its_parent_starts_that_of_its_process() -> None:
    """A fork may land in the middle of `publish`: what the child inherits of the pump's sleep, it forgets."""
    wakes: list[None] = []
    ingress = Ingress(lambda: wakes.append(None), SYSTEM)
    ingress.asleep[:] = [SLEEPS]
    ingress.forked()
    ingress.rouse()  # by the publisher that was interrupted
    ingress.publish(make_event("started"))  # type: ignore[arg-type]
    assert len(wakes) == 1


class Publishing:
    """A reporter that publishes for each event that it gets, as one whose logging handler reports would."""

    dispatcher: Dispatcher

    @hookimpl
    def handle_started(self, meta: Event) -> None:
        self.dispatcher.publish(meta)
        with self.dispatcher.begin("echo"):
            pass
        assert not self.dispatcher.flush(60), "a reporter that flushes would wait for itself"
        assert not self.dispatcher.close(60), "and so would one that closes"


@pytest.fixture
def publishing() -> Iterator[Publishing]:
    publishing = Publishing()
    publishing.dispatcher = Dispatcher({"publishing": publishing})
    yield publishing
    publishing.dispatcher.close(10)


def test_what_a_reporter_publishes_does_not_come_back(publishing: Publishing) -> None:
    """There is no echo: it is counted and not delivered."""
    publishing.dispatcher.publish(make_event("started"))
    assert publishing.dispatcher.flush(10)
    stats = publishing.dispatcher.stats()["publishing"]
    assert (stats.handled, stats.dropped, stats.accepted, stats.pending) == (1, {"echo": 4}, 5, 0)


def test_publishing_from_a_signal_handler_in_the_middle_of_publishing() -> None:
    """A signal handler may publish wherever it interrupts: nothing deadlocks, and every event arrives."""
    recorder = Recorder()
    dispatcher = Dispatcher({"recorder": recorder})
    event, handled = make_event("started"), 0

    def publish_too(_number: int, _frame: FrameType | None) -> None:
        nonlocal handled
        handled += 1
        dispatcher.publish(event)

    before = signal.signal(signal.SIGALRM, publish_too)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    published = 0
    try:
        while handled < 50:
            dispatcher.publish(event)
            published += 1
            if published % 500 == 0:
                assert dispatcher.flush(10)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert dispatcher.close(10)
    stats = dispatcher.stats()["recorder"]
    assert stats.accepted == published + handled
    assert stats.handled == len(recorder.events) == stats.accepted - sum(stats.dropped.values())


def test_publishing_from_a_finalizer() -> None:
    """``__del__`` may publish, whichever thread it runs on."""
    recorder = Recorder()
    dispatcher = Dispatcher({"recorder": recorder})

    class Dying:
        def __del__(self) -> None:
            dispatcher.publish(make_event("stopped"))

    dying = Dying()
    del dying
    assert dispatcher.close(10)
    assert [event.job.id for event in recorder.events] == ["job-1"]


def test_what_is_no_event_is_told_and_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """`publish` raises nothing; what can't be an event is counted, and logged with what was expected."""
    recorder = Recorder()
    dispatcher = Dispatcher({"recorder": recorder})
    dispatcher.publish("started")  # type: ignore[arg-type]
    dispatcher.publish(make_event("started"))
    assert dispatcher.close(10)
    stats = dispatcher.stats()["recorder"]
    assert (stats.handled, stats.dropped) == (1, {"invalid": 1})
    assert "publish() takes one of jobreporter's five events, not str" in caplog.text


def test_a_job_that_is_no_plain_data_is_told_and_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """What is published raw must be plain data already: an object in it could change, or pin memory."""
    recorder = Recorder()
    dispatcher = Dispatcher({"recorder": recorder})
    job = Job(id="1", execution_id="1", name="a", source="python", args=(object(),))
    dispatcher.publish(make_event("started", job=job))
    assert dispatcher.close(10)
    assert dispatcher.stats()["recorder"].dropped == {"invalid": 1}
    assert "plain data" in caplog.text


def test_publishing_after_closing_is_counted() -> None:
    """What comes after the end is dropped, and the ledger still adds up."""
    recorder = Recorder()
    dispatcher = Dispatcher({"recorder": recorder})
    with dispatcher:
        dispatcher.publish(make_event("started"))
    dispatcher.publish(make_event("stopped"))
    with dispatcher.begin("late"):
        pass
    stats = dispatcher.stats()["recorder"]
    assert (stats.accepted, stats.handled, stats.dropped, stats.pending) == (5, 1, {"closed": 4}, 0)
    assert not dispatcher.flush(1) or dispatcher.flush(1)
    assert dispatcher.close()


def test_without_reporters_nothing_is_done() -> None:
    """A dispatcher with no reporters starts no thread and keeps no event."""
    before = threading.active_count()
    dispatcher = Dispatcher()
    with dispatcher.begin("a"):
        pass
    dispatcher.start()
    assert dispatcher.flush(1)
    assert dispatcher.close()
    assert dispatcher.stats() == {}
    assert threading.active_count() <= before, "threads of other tests may end meanwhile"


def test_threads_start_with_the_first_event_only() -> None:
    """A process that makes a dispatcher and publishes nothing runs no thread of it, and flushes at once."""
    before = threading.active_count()
    dispatcher = Dispatcher({"recorder": Recorder()})
    assert dispatcher.flush(10)
    assert threading.active_count() <= before, "threads of other tests may end meanwhile"
    dispatcher.publish(make_event("started"))
    until(lambda: {"jobreporter-pump", "jobreporter-recorder"} <= {thread.name for thread in threading.enumerate()})
    assert dispatcher.close(10)


def test_starting_early_starts_the_reporters() -> None:
    """`start` does not wait for the first event."""
    recorder = Recorder()
    dispatcher = Dispatcher({"recorder": recorder})
    dispatcher.start()
    until(lambda: recorder.names() == ["reporter_start"])
    assert dispatcher.close(10)
    assert recorder.names() == ["reporter_start", "reporter_flush", "reporter_stop"]
