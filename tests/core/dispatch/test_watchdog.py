"""The supervisor's own look at a lane, with time stepped."""

from __future__ import annotations

import threading

import pytest

from jobreporter import Dispatcher, hookimpl
from jobreporter._dispatch.watchdog import GRACE, LONGEST_LOOK, STOPPED, Watchdog
from jobreporter.testing import SteppedClock, make_event
from tests.core.lane.batches import batch
from tests.waiting import arrives, until


class Hanging:
    """Hangs in its first event until it is released."""

    def __init__(self, clock: SteppedClock) -> None:
        self.clock = clock
        self.hung = threading.Event()
        self.release = threading.Event()

    @hookimpl
    def handle_started(self) -> None:
        self.clock.hanging.add(threading.get_ident())
        self.hung.set()
        self.release.wait()


class Watched:
    """A lane under a watch that the test alone lets look."""

    def __init__(self) -> None:
        self.clock = SteppedClock()
        self.plugin = Hanging(self.clock)
        dispatcher = Dispatcher({"plugin": self.plugin}, clock=self.clock)
        (self.lane,) = dispatcher._runtime.lanes
        self.watchdog = Watchdog(self.lane, self.clock, lambda: None)

    def hang(self) -> None:
        self.watchdog.start()
        self.lane.offer(batch([make_event("started")], 100))
        arrives(self.plugin.hung)
        assert self.watchdog.look() == LONGEST_LOOK

    def end(self) -> None:
        self.plugin.release.set()
        self.lane.close(by=0)
        until(lambda: self.watchdog.over)


@pytest.fixture
def watched() -> Watched:
    """A lane under watch."""
    return Watched()


def test_a_hang_is_noticed_after_the_timeout_and_its_grace(watched: Watched) -> None:
    """Not before, and by the first look after."""
    watched.hang()
    for _ in range(int((10 + GRACE) / 0.25) - 1):
        watched.clock.advance(0.25)
        watched.watchdog.look()
    assert watched.lane.abandoned == 0
    watched.clock.advance(0.25)
    watched.watchdog.look()
    assert watched.lane.abandoned == 1
    watched.end()


def test_time_in_which_nobody_could_look_does_not_count(watched: Watched) -> None:
    """A process that was stopped, or starved, blames no reporter for it."""
    watched.hang()
    watched.clock.advance(max(STOPPED, 10 + GRACE) + 1)
    watched.watchdog.look()
    assert watched.lane.abandoned == 0
    watched.end()


def test_a_lane_that_can_not_get_a_thread_tries_again(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be started, the next look tries again, and no event is lost."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        watched.watchdog.start()
        watched.lane.offer(batch([make_event("started")], 100))
        until(lambda: watched.watchdog._lane_thread.failed)
    watched.watchdog.look()
    arrives(watched.plugin.hung)
    watched.plugin.release.set()
    until(lambda: watched.lane.counts.handled == 1)
    watched.end()
