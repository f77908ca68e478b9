"""The event loop of a lane whose reporter has ``async def`` hooks. Imported only for such a reporter."""

from __future__ import annotations

import _thread
import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from types import BuiltinMethodType
from typing import Any

# What an error on a connection is about. The library that has the connection is told as well, and deals with it.
_OF_CONNECTIONS = frozenset(["transport", "protocol", "socket", "server"])


class Background(asyncio.Task[Any]):
    """A task that knows whether a coroutine, or one of asyncio's own helpers, waits for it."""

    #: By how many it is waited for.
    waiters = 0

    def add_done_callback(self, callback: Callable[..., object], /, *, context: Any = None) -> None:
        if _waits(callback):
            self.waiters += 1
        super().add_done_callback(callback, context=context)

    def remove_done_callback(self, callback: Callable[..., object], /) -> int:
        removed = super().remove_done_callback(callback)
        if removed and _waits(callback):
            self.waiters -= removed
        return removed


def _waits(callback: Callable[..., object]) -> bool:
    """Whether a callback is how somebody waits: ``await``, ``gather``, ``wait`` or a task group, say."""
    if isinstance(callback, partial):
        callback = callback.func
    module = getattr(callback, "__module__", None) or ""
    return module.startswith("asyncio.") or isinstance(callback, BuiltinMethodType)


class Loop:
    """Runs hooks to their end, and keeps running between them, so that what they started in the background goes on.

    It takes the place of the lane's `Wakeup`: while the thread waits to be woken, the loop runs.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._thread = _thread.get_ident()
        self._loop = asyncio.new_event_loop()
        self._loop.set_task_factory(self._new_task)
        self._loop.set_exception_handler(self._unhandled)
        self._woken = asyncio.Event()
        self._failure: BaseException | None = None

    def finish(self, hook: Coroutine[Any, Any, Any]) -> Any:
        """Await a hook.

        Raises TimeoutError once the lane's timeout has passed: the hook was cancelled.
        """
        return self._loop.run_until_complete(self._bounded(hook))

    async def _bounded(self, hook: Coroutine[Any, Any, Any]) -> Any:
        async with asyncio.timeout(self._timeout):
            return await hook

    def wake(self) -> None:
        self._call(self._woken.set)

    def _call(self, function: Callable[[], object]) -> None:
        """Have the loop call it, from whichever thread."""
        try:
            self._loop.call_soon_threadsafe(function)
        except RuntimeError:
            pass  # the loop was closed in between: its lane has another wakeup by now, and looks around before it waits

    def wait(self, timeout: float | None) -> bool:
        return self._loop.run_until_complete(self._run_until_woken(timeout))

    def take_failure(self) -> BaseException | None:
        """What something in the background has died of, if nobody else cares; each is given once."""
        failure, self._failure = self._failure, None
        return failure

    def _new_task(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any) -> Background:
        task = Background(coroutine, loop=loop, **more)
        task.add_done_callback(self._task_ended)
        return task

    def _task_ended(self, task: Any) -> None:
        # Others that were told of its end at the same time have looked at it by then.
        self._loop.call_soon(self._judge, task)

    def _judge(self, task: Background) -> None:
        """A task has ended: if it failed, and nobody waits for it or has looked, that is the reporter's failure."""
        if task.cancelled() or task.waiters or not task._log_traceback:
            return
        error = task.exception()
        # These two have come out of the loop already.
        if error is not None and not isinstance(error, SystemExit | KeyboardInterrupt):
            self._failed(error)

    def _unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An error that asyncio would only log: of a callback, or of a future that nobody looked at before it was freed."""
        error = context.get("exception")
        if error is not None and not _OF_CONNECTIONS.intersection(context):
            self._failed(error)
        elif _thread.get_ident() == self._thread:
            loop.default_exception_handler(context)
        else:  # freed on a job's thread, which must not wait for a logging handler
            self._call(partial(loop.default_exception_handler, context))

    def _failed(self, error: BaseException) -> None:
        if self._failure is None:
            self._failure = error
            self.wake()

    async def _run_until_woken(self, seconds: float | None) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return False
        self._woken.clear()
        return True

    def close(self) -> None:
        """Cancel what still runs in the background, give it a moment to end, and close the loop.

        Raises what something in the background died of, if that wasn't told yet.
        """
        if self._loop.is_closed():
            return
        try:
            if left := asyncio.all_tasks(self._loop):
                for task in left:
                    task.cancel()
                ended, _ = self._loop.run_until_complete(asyncio.wait(left, timeout=self._timeout))
                for error in (task.exception() for task in ended if not task.cancelled()):
                    if error is not None:
                        self._failed(error)
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()
        if failure := self.take_failure():
            raise failure
