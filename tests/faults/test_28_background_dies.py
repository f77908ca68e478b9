"""Row 28: what an async reporter runs in the background dies."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from jobreporter import Dispatcher, hookimpl
from jobreporter.testing import make_event
from tests.waiting import until


class Background:
    """Begins something in the background with each start, and keeps what that returned in its state."""

    def __init__(self, begin: Callable[[Background], Any]) -> None:
        self.begin = begin
        self.starts = 0
        self.die = threading.Event()

    async def dies(self) -> None:
        """Dies in its first life only, once it is told to."""
        first = self.starts == 1
        while not (first and self.die.is_set()):  # noqa: ASYNC110 - it is set on another thread
            await asyncio.sleep(0.001)
        raise ConnectionError("the stream ended")

    @hookimpl
    async def reporter_start(self) -> Any:
        self.starts += 1
        return [self.begin(self)]

    @hookimpl
    async def handle_started(self) -> None: ...


def callback(reporter: Background) -> None:
    """A callback that comes again and again, and raises."""
    if reporter.starts == 1 and reporter.die.is_set():
        raise ConnectionError("the stream ended")
    asyncio.get_running_loop().call_later(0.001, callback, reporter)


def discarded(reporter: Background) -> object:
    """As asyncio's own documentation keeps its tasks."""
    tasks: set[asyncio.Task[None]] = set()
    task = asyncio.create_task(reporter.dies())
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return tasks


async def outer(inner: Awaitable[object]) -> None:
    await inner


DEATHS: dict[str, Callable[[Background], Any]] = {
    "a task": lambda reporter: asyncio.create_task(reporter.dies()),
    "a task that nobody keeps": discarded,
    "a task that waits for a task": lambda reporter: asyncio.create_task(outer(asyncio.create_task(reporter.dies()))),
    "a future": lambda reporter: asyncio.ensure_future(reporter.dies()),
    "a callback": callback,
}


@pytest.mark.parametrize("begin", DEATHS.values(), ids=DEATHS)
def test_it_is_a_crash(begin: Callable[[Background], Any], caplog: pytest.LogCaptureFixture) -> None:
    """The reporter is stopped and started again, one line says of what it died, and no event is lost."""
    reporter = Background(begin)
    dispatcher = Dispatcher({"reporter": reporter})
    dispatcher.publish(make_event("started"))
    assert dispatcher.flush(20)
    reporter.die.set()
    until(lambda: reporter.starts == 2, "another start")
    dispatcher.publish(make_event("started"))
    assert dispatcher.flush(20)
    stats = dispatcher.stats()["reporter"]
    assert (stats.handled, stats.failed, stats.restarts, stats.status) == (2, 0, 1, "running")
    assert caplog.text.count("crashed in the background of its event loop: ConnectionError: the stream ended") == 1
    assert dispatcher.close(20)


def test_nobody_has_to_wait_for_the_loop_to_rest() -> None:
    """A reporter that always has something to do notices too."""
    reporter = Background(DEATHS["a task"])
    dispatcher = Dispatcher({"reporter": reporter})
    dispatcher.start()
    until(lambda: reporter.starts == 1)
    reporter.die.set()

    def restarted() -> bool:
        for _ in range(100):
            dispatcher.publish(make_event("started"))
        return reporter.starts == 2

    until(restarted, "another start")
    assert dispatcher.close(20)


async def fails() -> None:
    await asyncio.sleep(0.001)
    raise ConnectionError("of no interest")


async def handles(task: asyncio.Task[None]) -> None:
    try:
        await task
    except ConnectionError:
        pass


async def looks_late(*coroutines: Any) -> None:
    """One fails at once, and is looked at when the other is through."""
    done, _ = await asyncio.wait(map(asyncio.ensure_future, coroutines))
    for task in done:
        task.exception()


async def in_a_group() -> None:
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails())
    except ExceptionGroup:
        pass


def looked_at(_reporter: Background) -> object:
    task = asyncio.create_task(fails())
    task.add_done_callback(lambda task: task.exception())
    return task


HANDLED: dict[str, Callable[[Background], Any]] = {
    "awaited": lambda _reporter: asyncio.create_task(handles(asyncio.create_task(fails()))),
    "gathered": lambda _reporter: asyncio.gather(fails(), return_exceptions=True),
    "looked at late": lambda _reporter: asyncio.create_task(looks_late(fails(), asyncio.sleep(0.05))),
    "in a group": lambda _reporter: asyncio.create_task(in_a_group()),
    "looked at by a callback": looked_at,
    "cancelled": lambda _reporter: asyncio.create_task(asyncio.sleep(60)).cancel(),
}


@pytest.mark.parametrize("begin", HANDLED.values(), ids=HANDLED)
def test_an_error_that_somebody_handles_is_no_crash(
    begin: Callable[[Background], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """What a reporter runs may fail, as long as the reporter deals with it."""
    reporter = Background(begin)
    dispatcher = Dispatcher(
        {"reporter": reporter}, config={"reporters": {"reporter": {"lane": {"flush_interval": 0.1}}}}
    )
    for _ in range(3):
        dispatcher.publish(make_event("started"))
        assert dispatcher.flush(20)
        threading.Event().wait(0.05)
        gc.collect()
    assert dispatcher.close(20)
    assert (reporter.starts, dispatcher.stats()["reporter"].restarts, caplog.messages) == (1, 0, [])


def test_what_dies_of_being_cancelled_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Something in the background that raises when the reporter stops is named, as what its reporter_stop raises is."""

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ConnectionError("not so")

    reporter = Background(lambda _reporter: asyncio.create_task(stubborn()))
    dispatcher = Dispatcher({"reporter": reporter})
    dispatcher.publish(make_event("started"))
    assert dispatcher.close(20)
    until(lambda: "raised in reporter_stop: ConnectionError: not so" in caplog.text, "the line")
