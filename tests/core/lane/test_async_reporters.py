"""Reporters with ``async def`` hooks, on the event loop that their lane owns."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jobreporter import Dispatcher, Job, Options, hookimpl
from jobreporter.testing import make_event, make_job
from tests.waiting import arrives, until

Make = Callable[..., Dispatcher]


@pytest.fixture
def dispatch() -> Iterator[Make]:
    """Makes a dispatcher with one reporter, and closes it after the test."""
    made: list[Dispatcher] = []

    def make(plugin: object, **lane: Any) -> Dispatcher:
        made.append(Dispatcher({"plugin": plugin}, config={"reporters": {"plugin": {"lane": lane}}}))
        return made[-1]

    yield make
    for dispatcher in made:
        dispatcher.close(1)


def test_every_hook_may_be_async(dispatch: Make) -> None:
    """Async hooks are awaited one after the other, on one loop, with the state threaded through."""
    calls: list[tuple[str, object]] = []
    loops: set[int] = set()

    class Plugin:
        def note(self, hook: str, state: object) -> None:
            loops.add(id(asyncio.get_running_loop()))
            calls.append((hook, state))

        @hookimpl
        async def reporter_start(self, options: Options) -> int:
            self.note("start", None)
            return 0

        @hookimpl
        async def handle_started(self, state: int) -> int:
            await asyncio.sleep(0)
            self.note("started", state)
            return state + 1

        @hookimpl
        def handle_stopped(self, state: int) -> int:
            calls.append(("stopped, not async", state))
            return state + 1

        @hookimpl
        async def reporter_flush(self, state: int) -> None:
            self.note("flush", state)

        @hookimpl
        async def reporter_stop(self, state: int) -> None:
            self.note("stop", state)

    dispatcher = dispatch(Plugin)
    with dispatcher.begin("a"):
        pass
    assert dispatcher.close(10)
    assert calls == [("start", None), ("started", 0), ("stopped, not async", 1), ("flush", 2), ("stop", 2)]
    assert len(loops) == 1


def test_the_loop_keeps_running_between_events(dispatch: Make) -> None:
    """What a reporter starts in the background goes on while no event comes, and is cancelled when it stops."""
    ticked, ended = threading.Event(), threading.Event()

    class Plugin:
        @hookimpl
        async def reporter_start(self) -> object:
            return asyncio.create_task(self.tick())

        async def tick(self) -> None:
            try:
                for _ in range(5):
                    await asyncio.sleep(0.001)
                ticked.set()
                await asyncio.Event().wait()
            finally:
                ended.set()

        @hookimpl
        async def handle_started(self) -> None:
            pass

    dispatcher = dispatch(Plugin)
    dispatcher.start()
    arrives(ticked)
    assert dispatcher.close(10)
    assert ended.is_set()


def test_a_hook_that_takes_too_long_is_cancelled_and_has_crashed(
    dispatch: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """Cancelling works for async hooks: no thread is left behind."""
    cancelled: list[str] = []

    class Plugin:
        @hookimpl
        async def handle_started(self, job: Job) -> None:
            if job.id == "slow":
                try:
                    await asyncio.Event().wait()
                finally:
                    cancelled.append(job.id)

    dispatcher = dispatch(Plugin, timeout=0.05)
    for name in ("slow", "quick"):
        dispatcher.publish(make_event("started", job=make_job(id=name)))
    assert dispatcher.flush(10)
    stats = dispatcher.stats()["plugin"]
    assert (stats.handled, stats.failed, stats.restarts, stats.abandoned) == (1, 1, 1, 0)
    assert cancelled == ["slow"]
    assert "crashed in handle_started: TimeoutError" in caplog.text


def test_an_ignored_cancellation_is_a_hang(dispatch: Make) -> None:
    """A hook that goes on after it was cancelled is left behind with its thread and loop."""
    release = threading.Event()

    class Plugin:
        @hookimpl
        async def handle_started(self, job: Job) -> None:
            if job.id == "stubborn":
                release.wait()

    dispatcher = dispatch(Plugin, timeout=0.05)
    for name in ("stubborn", "quick"):
        dispatcher.publish(make_event("started", job=make_job(id=name)))
    assert dispatcher.flush(10)
    stats = dispatcher.stats()["plugin"]
    assert (stats.handled, stats.failed, stats.abandoned) == (1, 1, 1)
    release.set()
    until(lambda: [thread.name for thread in threading.enumerate()].count("jobreporter-plugin") == 1)


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_an_async_hook_may_raise_anything(dispatch: Make, error: type[BaseException]) -> None:
    """A crash of an async reporter costs one event, and the next start has a loop of its own."""
    loops: list[asyncio.AbstractEventLoop] = []

    class Plugin:
        @hookimpl
        async def reporter_start(self) -> None:
            loops.append(asyncio.get_running_loop())

        @hookimpl
        async def handle_started(self, job: Job) -> None:
            if job.id == "bad":
                raise error

    dispatcher = dispatch(Plugin)
    for name in ("bad", "good"):
        dispatcher.publish(make_event("started", job=make_job(id=name)))
    assert dispatcher.flush(10)
    stats = dispatcher.stats()["plugin"]
    assert (stats.handled, stats.failed, stats.restarts) == (1, 1, 1)
    assert loops[0] is not loops[1]
    assert loops[0].is_closed()


def test_a_background_that_ends_the_loop_is_a_crash(dispatch: Make, caplog: pytest.LogCaptureFixture) -> None:
    """``SystemExit`` in something that a reporter runs in the background restarts it; it ends no thread."""
    starts: list[int] = []

    class Plugin:
        @hookimpl
        async def reporter_start(self) -> object:
            starts.append(len(starts))
            return asyncio.create_task(self.exit()) if len(starts) == 1 else None

        async def exit(self) -> None:
            await asyncio.sleep(0.01)  # longer than the start takes
            raise SystemExit(3)

        @hookimpl
        async def handle_started(self) -> None:
            pass

        @hookimpl
        def reporter_stop(self, state: Any) -> None:
            if state is not None:
                state.exception()  # looked at, it is not logged by asyncio as well

    dispatcher = dispatch(Plugin)
    dispatcher.start()
    until(lambda: len(starts) == 2)
    dispatcher.publish(make_event("started"))
    assert dispatcher.flush(10)
    assert dispatcher.stats()["plugin"].handled == 1
    assert "crashed in the background of its event loop: SystemExit: 3" in caplog.text


def test_a_start_that_raises_closes_its_loop(dispatch: Make) -> None:
    """An async ``reporter_start`` that raises leaves no loop open, and is tried again."""
    loops: list[asyncio.AbstractEventLoop] = []

    class Plugin:
        @hookimpl
        async def reporter_start(self) -> None:
            loops.append(asyncio.get_running_loop())
            if len(loops) == 1:
                raise ConnectionError("not yet")

        @hookimpl
        async def handle_started(self) -> None:
            pass

    dispatcher = dispatch(Plugin)
    dispatcher.publish(make_event("started"))
    until(lambda: dispatcher.stats()["plugin"].handled == 1)
    assert [loop.is_closed() for loop in loops] == [True, False]


def test_a_flush_interval_is_kept(dispatch: Make) -> None:
    """An async reporter is flushed by itself after events, as any other."""
    flushed = threading.Event()

    class Plugin:
        @hookimpl
        async def handle_started(self) -> None:
            pass

        @hookimpl
        async def reporter_flush(self) -> None:
            flushed.set()

    dispatcher = dispatch(Plugin, flush_interval=0.01)
    dispatcher.publish(make_event("started"))
    arrives(flushed)
