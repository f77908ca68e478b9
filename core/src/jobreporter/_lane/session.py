"""One life of a reporter: from `reporter_start` to `reporter_stop`, with its state in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jobreporter._lane.considerate import considerate
from jobreporter._lane.operator_log import OperatorLog
from jobreporter._plugins.hooks import Call, Whence
from jobreporter._plugins.runs import run_of
from jobreporter._system.greenlets import patched_by
from jobreporter.context import Context
from jobreporter.errors import BrokenReporter
from jobreporter.events import EVENTS

if TYPE_CHECKING:
    from jobreporter._lane.event_loop import Loop
    from jobreporter._plugins.factory import Prepared


class Session:
    """A started reporter. Whatever its hooks raise comes out of the methods as it is, but for `stop`'s."""

    def __init__(self, prepared: Prepared, context: Context, timeout: float, operator_log: OperatorLog) -> None:
        self._operator_log = operator_log
        self._timeout = timeout
        self._warned = False
        # The thread that takes the token stops the reporter: its own one, or the one that replaced it.
        self._stops = [None]
        #: Where the events that are being handled come from.
        self.whence = Whence(context.origin)
        self._hooks = prepared.plugin.start(self.whence)
        #: What to call for each kind of event, and whether what it returns is for `take`; ``None`` for kinds without a hook.
        self.calls = {kind: _handling(self._hooks.events.get(kind)) for kind in EVENTS}
        #: Hands over many events at once; ``None`` where something has to be seen to after each.
        self.run = None if patched_by() else run_of(self._hooks.events, self.whence)
        #: What the lane's thread waits on, if the reporter needs an event loop.
        self.loop = _new_loop(timeout) if prepared.plugin.asynchronous else None
        try:
            self.state = _called(self._hooks.start, self.loop, prepared.options, context)
        except BaseException:
            if self.loop is not None:
                self.loop.close()
            raise

    def take(self, call: Call, result: Any) -> None:
        """What a handler returned: awaited if it is a coroutine, and then the next state if the handler takes state."""
        if call.asynchronous and self.loop is not None:
            result = self.loop.finish(result)
        if call.threads_state and result is not None:
            if type(result) is not type(self.state) and self.state is not None and not self._warned:
                self._warned = True
                self._operator_log.changed_state(call.hook, self.state, result)
            self.state = result

    def flush(self) -> None:
        """Call ``reporter_flush``."""
        _called(self._hooks.flush, self.loop, self.state)

    @property
    def flushes(self) -> bool:
        """Whether the reporter has a ``reporter_flush``: what it took is settled only by one."""
        return self._hooks.flush is not None

    @property
    def ticks(self) -> bool:
        """Whether the reporter has a ``reporter_tick``."""
        return self._hooks.tick is not None

    def tick(self) -> None:
        """Call ``reporter_tick``."""
        _called(self._hooks.tick, self.loop, self.state)

    def stop(self) -> None:
        """Call ``reporter_stop``, then end what its event loop still runs. What they raise is only logged.

        The reporter is stopped once, however often this is called.
        """
        self._stop_on(self.loop)

    def forked(self) -> None:
        """In a forked child: the reporter is the parent's to stop."""
        self._stops.clear()

    def stop_from_outside(self) -> None:
        """Call ``reporter_stop`` while another thread hangs in a hook of this session, and may use its event loop."""
        self._stop_on(self.loop and _new_loop(self._timeout))

    def _stop_on(self, loop: Loop | None) -> None:
        try:
            try:
                self._stops.pop()
            except IndexError:
                return
            self._try(lambda: _called(self._hooks.stop, loop, self.state))
        finally:  # what it logs with may raise
            if loop is not None:
                self._try(loop.close)

    def _try(self, step: Callable[[], object]) -> None:
        try:
            step()
        except BaseException as error:
            self._operator_log.did_not_stop(error)


def _handling(call: Call | None) -> tuple[Call, bool] | None:
    return None if call is None else (considerate(call), call.threads_state or call.asynchronous)


def _called(call: Call | None, loop: Loop | None, *given: Any) -> Any:
    if call is None:
        return None
    result = call(*given)
    return loop.finish(result) if loop is not None and call.asynchronous else result


def _new_loop(timeout: float) -> Loop:
    if library := patched_by():
        raise BrokenReporter(
            f"it has async hooks, whose event loop needs a thread of its own; in this process {library} has patched"
            " threads, so there are only greenlets"
        )
    # asyncio takes longer to import than all of jobreporter, and most reporters don't need it.
    from jobreporter._lane.event_loop import Loop

    return Loop(timeout)
