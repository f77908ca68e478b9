"""The specification: nine hooks that a reporter may implement.

Nothing is mandatory. An implementation carries ``@hookimpl`` and names the arguments that it wants, in any order; it may
be ``async def``. All hooks of one reporter are called from one thread, one after the other.

**State.** ``reporter_start`` returns the first state. A handler that takes ``state`` gets the current one, and what it
returns is the state for the next event; ``None`` keeps it. What a handler without a ``state`` argument returns is ignored.

**Raising.** A hook that raises anything has crashed: ``reporter_stop`` is called with the state as it was, then
``reporter_start`` makes a new one, and the next event follows. The event that it crashed on is counted ``failed`` and
not repeated. Before it is stopped, it is flushed once, for what it took before. Other reporters, and the job, notice
nothing. Two exceptions are no crash: `TryAgain` keeps the state, and the same event or the same flush comes again later;
`Undeliverable` from a handler gives up that one event.

**Handled.** An event counts as ``handled`` when its handler has returned; in a reporter with ``reporter_flush``, when a
flush after that went well. Until then it is ``pending``, and ``failed`` if the state is lost before.

**Time.** A hook that takes longer than the lane's ``timeout`` is given up: an ``async def`` is cancelled, which counts
as a crash; a thread that hangs is abandoned, what it returns later is thrown away, and a new one takes over.
"""

from __future__ import annotations

from typing import Any

import pluggy

from jobreporter.context import Context, Origin
from jobreporter.error_info import ErrorInfo, Frame
from jobreporter.events import Aborted, Event, Failure, Job, Started, Stopped, Success
from jobreporter.options import Options

PROJECT = "jobreporter"

hookspec = pluggy.HookspecMarker(PROJECT)
#: Marks a function of a plugin as the implementation of the hook that it is named after.
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def reporter_start(options: Options, context: Context) -> Any:
    """Fires before the first event in a process, and again after every crash. Returns the first state.

    ``options`` is an instance of the class that the implementation annotates it with, a subclass of `Options`, filled
    from the reporter's table in the config. ``context`` says where this runs. Raising marks the reporter ``broken``: it
    is tried again with backoff, and its events wait in its buffer.
    """


@hookspec
def handle_started(job: Job, meta: Started, origin: Origin, state: Any) -> Any:
    """Fires when a worker starts processing a job; not for a job that was dropped before it began.

    ``origin``, here and in the other handlers, is the process that published the event. Where the reporter runs in the
    worker itself, that is the same for all events.
    """


@hookspec
def handle_success(job: Job, meta: Success, origin: Origin, state: Any) -> Any:
    """Fires when the job completed and nothing failed."""


@hookspec
def handle_aborted(job: Job, meta: Aborted, origin: Origin, state: Any) -> Any:
    """Fires when processing was given up on purpose, by the job (skip, reject) or by the system (expired, shutdown)."""


@hookspec
def handle_failure(  # noqa: PLR0917 - pluggy hands them over by name
    job: Job, error: ErrorInfo, stacktrace: tuple[Frame, ...], meta: Failure, origin: Origin, state: Any
) -> Any:
    """Fires when one attempt ended in an error; ``meta.final`` says whether it was the last.

    ``stacktrace`` is ``error.frames``: outermost call first.
    """


@hookspec
def handle_stopped(job: Job, meta: Stopped, origin: Origin, state: Any) -> Any:
    """Fires last for every execution, after its one outcome; also when its start was not seen."""


@hookspec
def reporter_flush(state: Any) -> None:
    """Fires when buffered work should leave: every ``flush_interval`` in which events came, on ``flush()``, and before
    stopping, after a crash as well. What it returns is ignored.

    It either sends all that the state keeps, or raises: ``TryAgain`` if it should be called again with the same state.
    """


@hookspec
def reporter_tick(state: Any) -> None:
    """Fires every ``tick_interval`` from the start on, with or without events, and once before stopping.

    For what is due by time alone: a heartbeat, a metric that grows while a job runs. A reporter needs no thread or timer of
    its own for that. What it returns is ignored.
    """


@hookspec
def reporter_stop(state: Any) -> None:
    """Fires after the last event and, as well as it can be done, before every restart: free ports, files, threads.

    What it returns is ignored, and raising here is only logged.
    """


#: The handler of each kind of event.
HANDLERS: dict[type[Event], str] = {
    Started: "handle_started",
    Success: "handle_success",
    Aborted: "handle_aborted",
    Failure: "handle_failure",
    Stopped: "handle_stopped",
}

#: Every hook with the arguments that it offers, in the order of an execution.
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "reporter_start": ("options", "context"),
    "handle_started": ("job", "meta", "origin", "state"),
    "handle_success": ("job", "meta", "origin", "state"),
    "handle_aborted": ("job", "meta", "origin", "state"),
    "handle_failure": ("job", "error", "stacktrace", "meta", "origin", "state"),
    "handle_stopped": ("job", "meta", "origin", "state"),
    "reporter_flush": ("state",),
    "reporter_tick": ("state",),
    "reporter_stop": ("state",),
}
