"""``reporter_tick``: what is due by time alone."""

from __future__ import annotations

import threading

import pytest

from jobreporter import Context, Dispatcher, Job, TryAgain, hookimpl
from tests.core.lane.stepping import Stepped, started


class Clockwork:
    """Notes when it ticks, and the order of its last hooks."""

    def __init__(self) -> None:
        self.ticks: list[float] = []
        self.hooks: list[str] = []
        self.errors: list[BaseException] = []
        self.now = lambda: 0.0

    @hookimpl
    def reporter_start(self) -> str:
        self.hooks.append("start")
        return "state"

    @hookimpl
    def handle_started(self) -> None:
        self.hooks.append("started")

    @hookimpl
    def reporter_tick(self, state: str) -> str:
        assert state == "state"
        self.ticks.append(self.now())
        self.hooks.append("tick")
        if self.errors:
            raise self.errors.pop()
        return "not a state"

    @hookimpl
    def reporter_flush(self) -> None:
        self.hooks.append("flush")

    @hookimpl
    def reporter_stop(self) -> None:
        self.hooks.append("stop")


def test_it_fires_every_five_seconds_without_events() -> None:
    """From the start on; what it returns is no state."""
    plugin = Clockwork()
    stepped = Stepped(plugin)
    plugin.now = stepped.clock.monotonic
    stepped.dispatcher.start()
    began = stepped.clock.monotonic()
    stepped.run_until(lambda: len(plugin.ticks) == 4)
    assert [round((tick - began) / 5) for tick in plugin.ticks] == [1, 2, 3, 4]
    assert stepped.close(1)


def test_its_interval_is_the_lanes() -> None:
    """``tick_interval`` takes a duration."""
    plugin = Clockwork()
    stepped = Stepped(plugin, lane={"tick_interval": "30s"})
    stepped.dispatcher.start()
    assert stepped.run_until(lambda: plugin.ticks) >= 30
    assert stepped.close(1)


def test_it_fires_once_before_stopping() -> None:
    """First the tick, so that the flush can send what it made, and then the stop."""
    plugin = Clockwork()
    stepped = Stepped(plugin)
    stepped.publish(0)
    stepped.run_until(lambda: "started" in plugin.hooks)
    assert stepped.close(1)
    assert plugin.hooks[-3:] == ["tick", "flush", "stop"]
    assert plugin.hooks.count("tick") == 1


def test_it_fires_while_events_never_pause() -> None:
    """A busy reporter ticks between two events."""
    plugin = Clockwork()
    stepped = Stepped(plugin)
    while len(plugin.ticks) < 3:
        stepped.publish(*range(20))
        stepped.clock.advance(0.1)
    stepped.close(5)


def test_it_fires_while_a_flush_is_put_off() -> None:
    """A heartbeat goes on while the vendor is down."""

    class Down(Clockwork):
        @hookimpl
        def reporter_flush(self) -> None:
            raise TryAgain(after=600)

    plugin = Down()
    stepped = Stepped(plugin)
    stepped.publish(0)
    stepped.run_until(lambda: len(plugin.ticks) >= 5)
    assert stepped.stats.unflushed == 1
    stepped.close(0.1)


def test_a_tick_that_raises_is_a_crash() -> None:
    """The reporter is started again, and goes on ticking."""
    plugin = Clockwork()
    plugin.errors = [ValueError("tick")]
    stepped = Stepped(plugin)
    stepped.dispatcher.start()
    stepped.run_until(lambda: len(plugin.ticks) == 2)
    assert (stepped.stats.restarts, plugin.hooks) == (1, ["start", "tick", "stop", "start", "tick"])
    assert stepped.close(1)


def test_a_tick_that_asks_to_be_tried_again_is_none() -> None:
    """The next one comes by itself."""
    plugin = Clockwork()
    plugin.errors = [TryAgain()]
    stepped = Stepped(plugin)
    stepped.dispatcher.start()
    stepped.run_until(lambda: len(plugin.ticks) == 2)
    assert (stepped.stats.restarts, stepped.stats.retries) == (0, 1)
    assert stepped.close(1)


def test_a_tick_that_hangs_is_a_hang() -> None:
    """It is under the lane's timeout like every hook, and its thread is replaced."""
    release, hung = threading.Event(), threading.Event()

    class Stuck(Clockwork):
        @hookimpl
        def reporter_tick(self) -> None:
            if not hung.is_set():
                hung.set()
                stepped.clock.hanging.add(threading.get_ident())
                release.wait()

    stepped = Stepped(Stuck(), lane={"timeout": 2})
    stepped.dispatcher.start()
    stepped.run_until(lambda: stepped.stats.abandoned == 1)
    assert hung.is_set()
    stepped.clock.hanging.clear()
    release.set()
    assert stepped.close(1)


def test_an_async_tick_is_awaited() -> None:
    """On the lane's own loop, like the other hooks."""
    awaited = threading.Event()

    class Plugin:
        @hookimpl
        async def reporter_tick(self) -> None:
            awaited.set()

    dispatcher = Dispatcher({"plugin": Plugin()})  # which lives by the loop's time
    dispatcher.publish(started(0))
    assert dispatcher.close(20)
    assert dispatcher.stats()["plugin"].filtered == 1
    assert awaited.is_set()


def test_a_reporter_tells_what_it_loses_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    """`Context.lost` is in the ledger beside the counts of events, by the reporter's own reasons, and told at close."""

    class Lossy:
        @hookimpl
        def reporter_start(self, context: Context) -> Context:
            return context

        @hookimpl
        def handle_started(self, job: Job, state: Context) -> None:
            state.lost("rate limited", int(job.id))

    stepped = Stepped(Lossy())
    stepped.publish(2, 0, 3)
    stepped.run_until(lambda: stepped.stats.handled == 3)
    assert stepped.stats.lost_by_reporter == {"rate limited": 5}
    assert stepped.close(1)
    assert caplog.messages[-1] == "reporter 'plugin' lost events after it took them: 5 rate limited"
