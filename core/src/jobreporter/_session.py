"""One life of a reporter: from `reporter_start` to `reporter_stop`, with its state in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jobreporter._greenlets import considerate, patched_by
from jobreporter._plugins.hooks import Call
from jobreporter._voice import Voice
from jobreporter.context import Context
from jobreporter.errors import BrokenReporter
from jobreporter.events import EVENTS

if TYPE_CHECKING:
    from jobreporter._loop import Loop
    from jobreporter._recipe import Prepared


class Session:
    """A started reporter. Whatever its hooks raise comes out of the methods as it is, but for `stop`'s."""

    def __init__(self, prepared: Prepared, context: Context, timeout: float, voice: Voice) -> None:
        self._voice = voice
        self._timeout = timeout
        self._warned = False
        # Whoever takes the token stops the reporter: its own thread, or the one that replaced it.
        self._stops = [None]
        self._hooks = prepared.plugin.start()
        #: What to call for each kind of event, and whether what it returns is for `take`; ``None`` for kinds without a hook.
        self.calls = {kind: _handling(self._hooks.events.get(kind)) for kind in EVENTS}
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
                self._voice.changed_state(call.hook, self.state, result)
            self.state = result

    def flush(self) -> None:
        """Call ``reporter_flush``."""
        _called(self._hooks.flush, self.loop, self.state)

    def stop(self) -> None:
        """Call ``reporter_stop``, then end what its event loop still runs. What they raise is only logged.

        The reporter is stopped once, however often this is called.
        """
        self._stop_on(self.loop)

    def disown(self) -> None:
        """Leave it to somebody else to stop the reporter."""
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
            self._voice.did_not_stop(error)


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
    from jobreporter._loop import Loop

    return Loop(timeout)
