"""What is left once a dispatcher has closed: no thread, no file, no reporter that was never stopped, no event uncounted."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections import deque
from typing import Any

import pytest

from jobreporter import Dispatcher, hookimpl
from jobreporter._dispatch.watchdog import Watchdog
from jobreporter._lane.session import Session
from jobreporter.testing import Recorder, make_event
from tests.waiting import arrives, until


def test_a_thread_with_nothing_to_do_ends_when_the_close_is_late() -> None:
    """Where time runs out before anybody told the lanes to close, an idle reporter is stopped all the same."""
    recorder = Recorder()
    (lane,) = Dispatcher({"recorder": recorder})._runtime.lanes
    watchdog = Watchdog(lane, lane.clock, lambda: None)
    watchdog.start()
    until(lambda: watchdog._lane_thread.idle, "an idle thread")
    lane.end()
    until(lambda: watchdog._lane_thread.ended, "the end of the thread")
    assert recorder.names() == ["reporter_start", "reporter_stop"]


def test_a_thread_that_is_given_up_just_before_it_waits_does_not_wait() -> None:
    """It neither sleeps for ever nor takes the ring that is meant for its successor."""
    recorder = Recorder()
    (lane,) = Dispatcher({"recorder": recorder})._runtime.lanes
    watchdog = Watchdog(lane, lane.clock, lambda: None)
    lane_thread = watchdog._lane_thread
    wakeup = lane.wakeup
    lane.wedged("nowhere")
    assert lane.wakeup is not wakeup
    assert wakeup.wait(0), "the former bell was rung"
    lane.wakeup.wake()
    lane_thread._wait(None)
    assert lane.wakeup.wait(0), "the ring is still there for the successor"


def test_events_that_come_while_the_pump_ends_are_counted() -> None:
    """A pump that is late to end leaves nothing behind that nobody counts, and later events find somebody who does."""
    dispatcher = Dispatcher({"recorder": Recorder()})
    dispatcher.publish(make_event("started"))
    assert dispatcher.flush(10)
    pump, (watchdog,) = dispatcher._runtime.pump, dispatcher._runtime.pump._turns.watchdogs
    looking, release, look = threading.Event(), threading.Event(), watchdog.look

    def held_up() -> float | None:
        looking.set()
        release.wait()
        return look()

    watchdog.look = held_up  # type: ignore[method-assign]
    pump.wake()
    arrives(looking)
    assert not dispatcher.close(0)
    dispatcher.publish(make_event("started"))
    pump.wake()  # as a lane's thread does when it ends
    dispatcher.publish(make_event("started"))
    release.set()
    assert pump.ended.wait(20)
    assert dispatcher.stats()["recorder"].dropped == {"closed": 2}
    for _ in range(3):
        dispatcher.publish(make_event("started"))
    stats = dispatcher.stats()["recorder"]
    assert (stats.accepted, stats.handled, stats.dropped, stats.pending) == (6, 1, {"closed": 5}, 0)


def test_waking_the_pump_after_its_end_leaves_the_way_to_the_dispatcher_open() -> None:
    """A publisher that saw the pump asleep and is late to wake it keeps nobody from being counted."""
    dispatcher = Dispatcher({"recorder": Recorder()})
    dispatcher.publish(make_event("started"))
    assert dispatcher.close(10)
    dispatcher._ingress.rouse()
    dispatcher._ingress.wakeup.wake()
    dispatcher.publish(make_event("started"))
    assert dispatcher.stats()["recorder"].dropped == {"closed": 1}


class Promising(deque[Any]):
    """Says that it has one more than it has: a close has swept it away in between."""

    def __len__(self) -> int:
        return super().__len__() + 1


def test_a_close_that_sweeps_while_the_pump_takes_loses_no_count() -> None:
    """The pump finds less than it was about to take: what it has it passes on, and the rest was counted by the close."""
    recorder = Recorder()
    dispatcher = Dispatcher({"recorder": recorder})
    pump = dispatcher._runtime.pump
    dispatcher._ingress.items = Promising([make_event("started"), make_event("stopped")])
    assert pump.intake.move()
    assert (pump.intake.accepted, pump.intake.settled.items) == (2, 2)
    assert dispatcher._runtime.lanes[0].buffer.admitted == 2
    assert not pump.intake.move()


def test_what_is_refused_is_never_more_than_what_came() -> None:
    """Whoever reads the ledger while the pump turns an event away finds no fewer than none pending."""
    dispatcher = Dispatcher({"recorder": Recorder()})
    pending: list[int] = []
    dispatcher._runtime.pump.intake._complain = lambda _error: pending.append(  # type: ignore[method-assign]
        dispatcher.stats()["recorder"].pending
    )
    dispatcher.publish(None)  # type: ignore[arg-type]  # it is turned away
    assert dispatcher.close(10)
    assert pending == [0]
    assert dispatcher.stats()["recorder"].dropped == {"invalid": 1}


def test_a_child_of_a_process_that_has_closed_is_closed_too() -> None:
    """Its ledger says so, and counts what it publishes."""
    dispatcher = Dispatcher({"recorder": Recorder()})
    dispatcher.publish(make_event("started"))
    assert dispatcher.close(10)
    pid = os.fork()
    if pid == 0:
        dispatcher.publish(make_event("started"))
        stats = dispatcher.stats()["recorder"]
        os._exit((stats.status, stats.accepted, stats.dropped) != ("closed", 1, {"closed": 1}))
    assert os.waitpid(pid, 0)[1] == 0


def test_a_thread_that_its_log_ends_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reporter whose thread ends because a logging handler raises is stopped, its event loop with it."""
    ended: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", ended.append)
    loops: list[asyncio.AbstractEventLoop] = []
    stopped: list[asyncio.AbstractEventLoop] = []

    class Plugin:
        @hookimpl
        async def reporter_start(self) -> None:
            loops.append(asyncio.get_running_loop())

        @hookimpl
        async def reporter_stop(self) -> None:
            stopped.append(asyncio.get_running_loop())

    class Full(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("no space left")

    handler = Full()
    logging.getLogger("jobreporter").addHandler(handler)
    try:
        dispatcher = Dispatcher({"plugin": Plugin})
        dispatcher.publish(make_event("started"))
        assert dispatcher.flush(10)
        dispatcher._runtime.lanes[0].breaker.failed_to_start()  # its successor has to wait for a moment
        dispatcher._runtime.lanes[0].tell("has something to say")
        until(lambda: ended, "the end of the thread")
    finally:
        logging.getLogger("jobreporter").removeHandler(handler)
    dispatcher.publish(make_event("started"))
    until(lambda: dispatcher.stats()["plugin"].filtered == 2, "the successor's first event")
    assert dispatcher.close(10)
    assert len(ended) == 1
    assert stopped == loops
    assert all(loop.is_closed() for loop in loops)


def test_a_thread_that_comes_back_closes_its_own_event_loop(caplog: pytest.LogCaptureFixture) -> None:
    """While its successor still stops the reporter on another loop, which stays open for as long as that takes."""
    stopping, release = threading.Event(), threading.Event()

    class Plugin:
        @hookimpl
        async def reporter_stop(self) -> None:
            stopping.set()
            await asyncio.to_thread(release.wait)

    (lane,) = Dispatcher({"plugin": Plugin})._runtime.lanes
    session = Session(lane.factory.prepare(), lane.context(), 10, lane.operator_log)
    successor = threading.Thread(target=session.stop_from_outside)
    successor.start()
    arrives(stopping)
    session.stop()
    assert session.loop is not None
    assert session.loop._loop.is_closed()
    release.set()
    successor.join()
    assert caplog.messages == []
