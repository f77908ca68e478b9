"""A reporter's second life in a process: ports, files and registries are free again."""

from __future__ import annotations

import asyncio
import threading

from jobreporter import hookimpl
from jobreporter.testing._make import make_event
from jobreporter.testing._reporter._base import ReporterCases
from jobreporter.testing._waiting import PATIENCE, wait_for

_ADVICE = "reporter_stop has to free what reporter_start takes: ports, files, registrations\nThe log has what its hooks raised."


class _Spoiled(Exception):  # noqa: N818 - it says what happened
    pass


class CrashCases(ReporterCases):
    """Started again, after whatever."""

    def test_it_starts_again_in_the_same_process(self) -> None:
        """Two dispatchers after each other."""
        for _ in range(2):
            dispatcher = self.dispatch()
            dispatcher.publish(make_event("failure"))
            self.assert_flushed(dispatcher)
            self.assert_unhurt(dispatcher)
            self.assert_closed(dispatcher)

    def test_it_starts_again_after_a_crash(self) -> None:
        """A hook that raises costs its own event, and the next one is handled."""

        @hookimpl
        def handle_stopped() -> None:
            raise _Spoiled("a hook of the conformance suite was told to crash")

        self._second_life(self.spoiled("handle_stopped", handle_stopped))

    def test_it_starts_again_after_a_hang(self) -> None:
        """A hook that hangs is left behind on its thread, while another one takes over."""
        released = threading.Event()

        @hookimpl
        def handle_stopped() -> None:
            released.wait(PATIENCE)

        try:
            self._second_life(self.spoiled("handle_stopped", handle_stopped), timeout=0.5)
        finally:
            released.set()

    def test_it_starts_again_after_a_background_task_died(self) -> None:
        """What dies on the event loop of a reporter's own is its crash."""

        async def dies() -> None:
            raise _Spoiled("a background task of the conformance suite was told to die")

        tasks = []

        @hookimpl
        async def handle_stopped() -> None:
            tasks.append(asyncio.create_task(dies()))
            await asyncio.sleep(0)

        self._second_life(self.spoiled("handle_stopped", handle_stopped))

    def _second_life(self, target: object, **lane: float) -> None:
        dispatcher = self.dispatch(target, **lane)
        dispatcher.publish(make_event("stopped"))
        wait_for(lambda: self.stats(dispatcher).restarts, "its restart")
        failed = self.stats(dispatcher).failed
        dispatcher.publish(make_event("failure"))
        wait_for(
            lambda: dispatcher.flush(1),
            "its flush after the restart",
            lambda: f"{self.stats(dispatcher).reason or ''}\n{_ADVICE}",
        )
        stats = self.stats(dispatcher)
        if (stats.status, stats.failed, stats.restarts) != ("running", failed, 1):
            raise AssertionError(
                f"started again, it is {stats.status}, and failed at {stats.failed - failed} of one event\n{_ADVICE}"
            )
