"""Row 9: a reporter hangs for ever."""

from __future__ import annotations

import threading
import time

import pytest

from jobreporter import Dispatcher, hookimpl
from jobreporter.testing import Recorder, SteppedClock, make_event
from tests.waiting import until


class Hanging:
    """Hangs on every event until it is released."""

    def __init__(self, clock: SteppedClock | None = None) -> None:
        self.clock = clock
        self.hanging = 0
        self.release = threading.Event()

    @hookimpl
    def handle_started(self) -> None:
        if self.clock is not None:
            self.clock.hanging.add(threading.get_ident())
        self.hanging += 1
        self.release.wait()
        if self.clock is not None:
            self.clock.hanging.discard(threading.get_ident())


def test_it_is_named_in_time(caplog: pytest.LogCaptureFixture) -> None:
    """Each hang is noticed within timeout + 1 s, and its stack logged once; the third leaves the lane wedged."""
    clock, neighbour = SteppedClock(), Recorder()
    hanging = Hanging(clock)
    with Dispatcher({"hanging": hanging, "neighbour": neighbour}, clock=clock) as dispatcher:

        def failed() -> int:
            return dispatcher.stats()["hanging"].failed

        for _ in range(4):
            dispatcher.publish(make_event("started"))
        for hang in (1, 2, 3):
            until(lambda hang=hang: hanging.hanging == hang)  # type: ignore[misc]
            seconds = clock.run(lambda hang=hang: failed() == hang, at_most=11)  # type: ignore[misc]
            assert seconds >= 10
        stats = dispatcher.stats()["hanging"]
        assert (stats.status, stats.abandoned, stats.pending) == ("wedged", 2, 1)
        assert len(neighbour.events) == 4
        stacks = [message for message in caplog.messages if "It hung in wait (" in message]
        assert len(stacks) == 2, "a third is told by the thread that takes its place"
        hanging.release.set()
        clock.run(lambda: dispatcher.stats()["hanging"].handled == 1, at_most=1)
        assert dispatcher.stats()["hanging"].status == "running"


def test_publish_does_not_notice() -> None:
    """While it hangs, ten thousand events are published without a wait; its neighbour gets each of them."""
    hanging, neighbour = Hanging(), Recorder()
    dispatcher = Dispatcher({"hanging": hanging, "neighbour": neighbour})
    dispatcher.publish(make_event("started"))
    until(lambda: hanging.hanging)
    event = make_event("success")
    slowest = 0.0
    for _ in range(10_000):
        start = time.thread_time()
        dispatcher.publish(event)
        slowest = max(slowest, time.thread_time() - start)
    assert slowest < 0.01
    until(lambda: len(neighbour.events) == 10_001)
    hanging.release.set()
    assert dispatcher.close(20)


def test_close_keeps_its_deadline() -> None:
    """``close(0.5)`` returns in 0.6 seconds, counts the event in hand as failed and the rest as lost."""
    seconds = []
    for _ in range(3):
        hanging = Hanging()
        dispatcher = Dispatcher({"hanging": hanging})
        for _ in range(3):
            dispatcher.publish(make_event("started"))
        until(lambda hanging=hanging: hanging.hanging)  # type: ignore[misc]  # bound in the loop
        start = time.monotonic()
        assert not dispatcher.close(0.5)
        seconds.append(time.monotonic() - start)
        stats = dispatcher.stats()["hanging"]
        assert (stats.failed, stats.dropped, stats.pending, stats.status) == (1, {"closed": 2}, 0, "closed")
        hanging.release.set()
    assert min(seconds) >= 0.5
    assert min(seconds) < 0.6, "what is beyond that is the machine's, in one of three at most"


def test_a_thread_that_comes_back_after_close_changes_no_status() -> None:
    """Closed is closed: a reporter that is still starting when the dispatcher closes does not run again."""
    starts, begun, release = [0], threading.Event(), threading.Event()

    class Late:
        @hookimpl
        def reporter_start(self) -> None:
            starts[0] += 1
            begun.set()
            release.wait()

        @hookimpl
        def handle_started(self) -> None: ...

    dispatcher = Dispatcher({"late": Late})
    (lane,) = dispatcher._runtime.lanes
    dispatcher.publish(make_event("started"))
    assert begun.wait(20)
    assert not dispatcher.close(0.05)
    # What the thread says when it comes back in the very moment of the close, on either side of its last look.
    lane._status = "running"
    lane.next_turn()
    assert (dispatcher.stats()["late"].status, lane.in_flight.given_up) == ("closed", True)
    release.set()
    until(lambda: "jobreporter-late" not in [thread.name for thread in threading.enumerate()])
    assert (dispatcher.stats()["late"].status, starts) == ("closed", [1])
