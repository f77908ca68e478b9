"""A reporter's lane in an agent. Its buffer is the window, and what it hands out stays there until it is settled."""

from __future__ import annotations

from collections.abc import Callable

from jobreporter._agent.in_flight import WindowInFlight
from jobreporter._agent.window_buffer import WindowBuffer
from jobreporter._lane.filter import Filter
from jobreporter._lane.lane import Lane
from jobreporter._plugins.factory import ReporterFactory
from jobreporter._system.clock import Clock
from jobreporter.context import Context
from jobreporter.events import Event
from jobreporter.hookspecs import HANDLERS


class WindowLane(Lane):
    """What the agent, the watchdog and the lane's thread share about one reporter."""

    def __init__(self, factory: ReporterFactory, context: Callable[[], Context], clock: Clock) -> None:
        self.windows = WindowBuffer(factory.config.name, factory.config.lane)
        super().__init__(factory, context, clock)
        self._filter = Filter.of(factory.config.when, clock.monotonic)
        # Filtered where events are loaded, and not where they are handed out.
        self.passes = None
        self._broken_since: float | None = None
        #: Called when a flush is over.
        self.on_flush: Callable[[], object] = bool

    def _new_buffer(self) -> WindowBuffer:
        return self.windows

    def _new_in_flight(self) -> WindowInFlight:
        return WindowInFlight(self.windows, self._turn, self.settings)

    @property
    def hook_kinds(self) -> frozenset[type[Event]] | None:
        """The kinds of events that the reporter has a hook for; ``None`` while its plugin can't be loaded."""
        plugin = self.factory.plugin
        return None if plugin is None else frozenset(kind for kind, hook in HANDLERS.items() if hook in plugin.hooks)

    def wanted(self) -> Callable[[Event], bool] | None:
        """Which events the reporter is handed; ``None``: every one."""
        kinds, wanted = self.hook_kinds, self._filter
        if kinds is None or len(kinds) == len(HANDLERS):
            return None if wanted is None else wanted.passes
        if wanted is None:
            return lambda event: type(event) in kinds
        passes = wanted.passes
        return lambda event: type(event) in kinds and passes(event)

    def out_of_order_since(self, now: float) -> float | None:
        """The monotonic time since when it has been seen out of order; ``None`` if it isn't."""
        if not self.out_of_order:
            self._broken_since = None
        elif self._broken_since is None:
            self._broken_since = now
        return self._broken_since

    def flushed(self, *, ok: bool) -> None:
        super().flushed(ok=ok)
        self.on_flush()

    def undeliverable(self, hook: str, error: BaseException) -> None:
        super().undeliverable(hook, error)
        in_flight = self.in_flight
        assert isinstance(in_flight, WindowInFlight)  # noqa: S101 - it makes no others
        in_flight.dies(self.operator_log.describe(error))

    def crashed(self, hook: str, error: BaseException, lost: int) -> None:
        in_flight = self.in_flight
        assert isinstance(in_flight, WindowInFlight)  # noqa: S101 - it makes no others
        why = f"{hook} raised {self.operator_log.describe(error)}"
        in_flight.fail(why, in_handler=hook in HANDLERS.values(), in_flush=hook == "reporter_flush")
        super().crashed(hook, error, lost)

    def stop(self, by: float) -> None:
        """Hand out nothing more, flush, and end."""
        self.windows.stopped = True
        self.close(by)
