"""Row 10: flush and close meet a reporter that hangs, or that backs off."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jobreporter import Dispatcher, hookimpl
from jobreporter._lane.breaker import CRASHES
from jobreporter.testing import Call, Recorder, make_event
from tests.waiting import until

Make = Callable[[], Dispatcher]


def seconds(call: Callable[[], object]) -> float:
    start = time.monotonic()
    call()
    return time.monotonic() - start


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """What the hooks that hang wait for."""
    release = threading.Event()
    yield release
    release.set()


def until_told(what: str, caplog: pytest.LogCaptureFixture) -> None:
    """Wait for the thread that tells it, which nobody else waits for."""
    until(lambda: what in caplog.text, what)


@pytest.mark.parametrize("way", ["flush", "close"])
@pytest.mark.parametrize("hook", ["reporter_start", "handle_started", "reporter_flush", "reporter_stop"])
def test_a_hanging_hook_holds_up_neither(
    hook: str, way: str, release: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    """Whichever hook hangs, they return by their deadline, and say what remains or was lost."""

    def hang(call: Call) -> None:
        if call.hook == hook:
            release.wait()

    took = []
    for _ in range(3):
        neighbour = Recorder()
        dispatcher = Dispatcher({"hanging": Recorder(effect=hang), "neighbour": neighbour})
        dispatcher.publish(make_event("started"))
        dispatcher.publish(make_event("stopped"))
        if way == "close":
            took.append(seconds(lambda dispatcher=dispatcher: dispatcher.close(0.3)))  # type: ignore[misc]
        elif hook == "reporter_stop":
            took.append(seconds(lambda dispatcher=dispatcher: dispatcher.flush(0.3)))  # type: ignore[misc]
        else:
            took.append(seconds(lambda dispatcher=dispatcher: dispatcher.flush(0.3)))  # type: ignore[misc]
            remain = {"reporter_start": "2 events", "handle_started": "2 events", "reporter_flush": "2 events"}[hook]
            until_told(f"not flushed within 0.3 s: {remain}", caplog)
        assert len(neighbour.events) == 2
        dispatcher.close(0.01)
        stats = dispatcher.stats()["hanging"]
        assert stats.accepted == 2 == stats.handled + stats.lost
        caplog.clear()
    assert min(took) < 0.4


def test_a_cancellation_that_is_ignored_holds_up_neither(release: threading.Event) -> None:
    """The same for an ``async def`` hook that goes on when it is cancelled."""

    class Stubborn:
        @hookimpl
        async def handle_started(self) -> None:
            while not release.is_set():
                try:
                    await asyncio.sleep(0.01)
                except asyncio.CancelledError:
                    pass

    took = []
    for _ in range(3):
        dispatcher = Dispatcher({"stubborn": Stubborn}, config={"reporters": {"stubborn": {"lane": {"timeout": 0.05}}}})
        dispatcher.publish(make_event("started"))
        took.append(seconds(lambda dispatcher=dispatcher: dispatcher.flush(0.3)))  # type: ignore[misc]
        took.append(seconds(lambda dispatcher=dispatcher: dispatcher.close(0.3)))  # type: ignore[misc]
    assert min(took[0::2]) < 0.4
    assert min(took[1::2]) < 0.4


def broken() -> Recorder:
    return Recorder(crash_on={"reporter_start"})


def backing_off() -> Recorder:
    return Recorder(crash_on={"handle_started"})


@pytest.mark.parametrize("make", [broken, backing_off])
def test_a_backoff_is_not_waited_for(make: Callable[[], Recorder], caplog: pytest.LogCaptureFixture) -> None:
    """A reporter that waits for its next try answers a flush at once; the others flush; closing tries once more."""
    recorder, neighbour = make(), Recorder()
    dispatcher = Dispatcher({"recorder": recorder, "neighbour": neighbour})
    events = 4 * CRASHES  # enough of them for probes to crash on
    for _ in range(events):
        dispatcher.publish(make_event("started"))
    until(lambda: dispatcher.stats()["recorder"].status in ("broken", "backing_off"))
    flushes = len(neighbour.of("reporter_flush"))
    answers: list[bool] = []
    assert seconds(lambda: answers.append(dispatcher.flush(60))) < 10
    assert answers == [False]
    assert len(neighbour.of("reporter_flush")) > flushes
    assert "not flushed by 'recorder', out of order: " in caplog.text
    recorder.crash_on.clear()
    assert dispatcher.close(20)
    stats = dispatcher.stats()["recorder"]
    assert stats.handled + stats.failed == len(neighbour.events) == events
    assert stats.handled >= 1


def test_a_flush_that_waits_is_let_go_when_the_reporter_breaks_down() -> None:
    """A flush that came while it was still starting or working does not wait for the next try either."""
    begun, go = threading.Event(), threading.Event()

    def crash(call: Call) -> Any:
        if call.hook == "reporter_start":
            begun.set()
            go.wait()
            raise ConnectionError

    dispatcher = Dispatcher({"recorder": Recorder(effect=crash)})
    dispatcher.publish(make_event("started"))
    assert begun.wait(20)
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(dispatcher.flush(600)))
    thread.start()
    (lane,) = dispatcher._runtime.lanes
    until(lambda: len(lane._flushes))
    go.set()
    thread.join(20)
    assert answers == [False]
    dispatcher.close(5)


def test_what_flushes_could_not_do_is_a_line_in_thirty_seconds(caplog: pytest.LogCaptureFixture) -> None:
    """A source that flushes after each job fills no log."""
    dispatcher = Dispatcher({"recorder": broken()})
    dispatcher.publish(make_event("started"))
    until(lambda: dispatcher.stats()["recorder"].status == "broken")
    for _ in range(100):
        assert not dispatcher.flush(60)
    assert len([message for message in caplog.messages if "not flushed" in message]) == 1
    dispatcher.close(5)
