"""The event loop of a lane whose reporter has ``async def`` hooks. Imported only for such a reporter."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class Loop:
    """Runs hooks to their end, and keeps running between them, so that what they started in the background goes on.

    It takes the place of the lane's `Bell`: waiting to be rung for is when it runs.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._loop = asyncio.new_event_loop()
        self._rung = asyncio.Event()

    def finish(self, hook: Coroutine[Any, Any, Any]) -> Any:
        """Await a hook.

        Raises TimeoutError once the lane's timeout has passed: the hook was cancelled.
        """
        return self._loop.run_until_complete(self._bounded(hook))

    async def _bounded(self, hook: Coroutine[Any, Any, Any]) -> Any:
        async with asyncio.timeout(self._timeout):
            return await hook

    def ring(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._rung.set)
        except RuntimeError:
            pass  # the loop was closed in between: its lane has another bell by now, and looks around before it waits

    def wait(self, timeout: float | None) -> bool:
        return self._loop.run_until_complete(self._run_until_rung(timeout))

    async def _run_until_rung(self, seconds: float | None) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True

    def close(self) -> None:
        """Cancel what still runs in the background, give it a moment to end, and close the loop."""
        if self._loop.is_closed():
            return
        try:
            if left := asyncio.all_tasks(self._loop):
                for task in left:
                    task.cancel()
                self._loop.run_until_complete(asyncio.wait(left, timeout=self._timeout))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()
