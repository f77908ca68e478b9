"""``/events``: tells pages that something has changed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from jobreporter_history.store import Store, StoreError

#: Seconds between two looks at the store, for all who listen together.
_LOOK = 1.0
#: Seconds between two looks at whether the program ends.
_STEP = 0.25
#: Seconds after which silence is broken, so that proxies and browsers keep the connection.
_SILENCE = 15.0


class Changes:
    """What the store's mark is, asked once for all who listen."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._asking = asyncio.Lock()
        self._asked = float("-inf")
        self._mark: str | None = None
        #: Set when the program ends, by whoever ends it, from any thread.
        self.ending = threading.Event()

    def listen(self) -> StreamingResponse:
        """The stream for one who listens."""
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(self._told(), media_type="text/event-stream", headers=headers)

    async def _told(self) -> AsyncIterator[str]:
        seen = await self._current()
        yield "retry: 3000\n\n"
        spoken = time.monotonic()
        while not self.ending.is_set():
            await asyncio.sleep(_STEP)
            mark = await self._current()
            if mark != seen:
                seen, spoken = mark, time.monotonic()
                yield "event: changed\ndata: 1\n\n"
            elif time.monotonic() - spoken > _SILENCE:
                spoken = time.monotonic()
                yield ": still here\n\n"

    async def _current(self) -> str | None:
        async with self._asking:
            if time.monotonic() - self._asked >= _LOOK:
                try:
                    self._mark = await run_in_threadpool(self._store.mark)
                except StoreError:  # the page itself says so
                    self._mark = None
                self._asked = time.monotonic()
            return self._mark
