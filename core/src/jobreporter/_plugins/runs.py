"""A run: the events that a lane holds, handed to one reporter by code that is written for it.

Through the table, each event takes a look-up and a call more. A reporter that counts takes half as long as those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, cast

from jobreporter._plugins.hooks import GENERATED, SOURCES, Call, Whence
from jobreporter.events import Event


class Held(Protocol):
    """The events that are left to hand over, and what became of the others."""

    events: Iterator[Event]
    handled: int
    filtered: int
    #: They are somebody else's now.
    given_up: bool


class Interruptible(Protocol):
    """Whoever hands them over."""

    #: Something else is due.
    interrupted: bool


#: Hands over events until none is left or something else is due. Returns the one that a handler raised at, which counts as
#: nothing yet, and what it raised; ``None`` if none did.
Run = Callable[[Held, Interruptible], tuple[Event, BaseException] | None]

_TEXT = """
def run(held, thread):
    for event in held.events:
        kind = type(event)
        try:
            {branches}
            else:
                kind = None
        except BaseException as error:
            return event, error
        if kind is None:  # out here, so that what interrupts the thread can't have an event count twice
            held.filtered += 1
            continue
        if held.given_up:
            return None
        held.handled += 1
        if thread.interrupted:
            return None
    return None
"""
_BRANCH = """if kind is {kind}:
                {hook}({arguments})
            """


def run_of(calls: Mapping[type[Event], Call], whence: Whence) -> Run | None:
    """The run of a plugin that was started with these calls of its handlers.

    ``None`` for one without handlers, and for one whose handlers return something that has to be seen to: the next state, or
    what is to be awaited.
    """
    if not calls or any(call.asynchronous or call.threads_state for call in calls.values()):
        return None
    names: dict[str, Any] = {"whence": whence}
    branches = []
    for kind, call in calls.items():
        hook, function, arguments, _ = call.implementation
        names |= {kind.__name__: kind, hook: function}
        given = ", ".join(SOURCES[name] for name in arguments)
        branches.append(_BRANCH.format(kind=kind.__name__, hook=hook, arguments=given))
    text = _TEXT.format(branches="el".join(branches).rstrip())
    exec(compile(text, f"{GENERATED}run>", "exec"), names)  # noqa: S102 - the text is ours, and so are the names in it
    return cast(Run, names["run"])
