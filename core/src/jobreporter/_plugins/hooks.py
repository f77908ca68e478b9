"""The table: from the implementations of a started plugin to plain calls.

A lane calls through this table and not through pluggy, because a call then costs 35-45 ns instead of 1,200-2,500. What
an implementation receives is the same; a test compares the two for every subset and order of arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol, cast

from jobreporter.context import Origin
from jobreporter.events import Event
from jobreporter.hookspecs import HANDLERS

#: Where each argument that a hook offers comes from, in terms of what its call is given.
SOURCES = {
    "options": "options",
    "context": "context",
    "job": "event.job",
    "error": "event.error",
    "stacktrace": "event.error.frames",
    "meta": "event",
    "origin": "whence.origin",
    "state": "state",
}

# What a call is given, by hook.
_GIVEN = {
    "reporter_start": "options, context",
    **dict.fromkeys(HANDLERS.values(), "event, state"),
    "reporter_flush": "state",
    "reporter_tick": "state",
    "reporter_stop": "state",
}


#: How the file name of generated code begins, in tracebacks.
GENERATED = "<jobreporter "


class Implementation(NamedTuple):
    """One hook of a started plugin: what to call, and the arguments that it names, in its own order."""

    hook: str
    function: Callable[..., object]
    arguments: tuple[str, ...]
    asynchronous: bool


class Call(Protocol):
    """Calls one implementation with the arguments that it names.

    A handler is given ``(event, state)``, ``reporter_start`` ``(options, context)``, the other two ``(state)``. What
    comes back is what the implementation returned; of an ``asynchronous`` one that is a coroutine, to be awaited.

    What a handler returned is the next state only if it ``threads_state``, that is, if it named ``state``, and if it
    isn't ``None``::

        result = call(event, state)
        if call.threads_state and result is not None:
            state = result

    ``reporter_start`` returns the first state, whatever it is. What flush and stop return is ignored.
    """

    hook: str
    implementation: Implementation
    threads_state: bool
    asynchronous: bool

    def __call__(self, *given: Any) -> Any:
        """What the implementation returns."""


class Whence:
    """Where the events that are being handled come from.

    In a worker that never changes. Whoever hands out the events of other processes says it before each.
    """

    __slots__ = ("origin",)

    def __init__(self, origin: Origin | None = None) -> None:
        self.origin = origin


class Hooks(NamedTuple):
    """What a started plugin implements: a handler by type of event, and the hooks around them."""

    events: dict[type[Event], Call]
    start: Call | None
    flush: Call | None
    tick: Call | None
    stop: Call | None


def table(implementations: Iterable[Implementation], whence: Whence) -> Hooks:
    """The table of a started plugin, which implements each hook at most once. whence: what its handlers get as origin."""
    calls = {implementation.hook: _call(implementation, whence) for implementation in implementations}
    return Hooks(
        events={event: calls[hook] for event, hook in HANDLERS.items() if hook in calls},
        start=calls.get("reporter_start"),
        flush=calls.get("reporter_flush"),
        tick=calls.get("reporter_tick"),
        stop=calls.get("reporter_stop"),
    )


def _call(implementation: Implementation, whence: Whence) -> Call:
    """Writes and compiles ``lambda event, state: implementation(event.job, state)``, as dataclasses write ``__init__``.

    Only names out of the two tables above get into the text. A closure that looks the arguments up costs 400 ns more.
    """
    hook, function, arguments, asynchronous = implementation
    source = f"lambda {_GIVEN[hook]}: implementation({', '.join(SOURCES[name] for name in arguments)})"
    code = compile(source, f"{GENERATED}{hook}>", "eval")
    call = cast(Call, eval(code, {"implementation": function, "whence": whence}))  # noqa: S307 - the text is ours, see above
    call.hook = hook
    call.implementation = implementation
    call.threads_state = hook in HANDLERS.values() and "state" in arguments
    call.asynchronous = asynchronous
    return call
