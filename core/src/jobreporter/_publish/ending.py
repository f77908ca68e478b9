"""How an execution ends: its outcome and its ``Stopped``, in one append."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from jobreporter import events
from jobreporter.events import Event, Stopped


class UnfinishedFailure(NamedTuple):
    """A failure whose error is still in the form that was quick to capture.

    fields: those of `Failure`, where ``error`` is a `RawError` or a `KnownError`.
    """

    fields: dict[str, Any]


class Ending(msgspec.Struct, frozen=True, gc=False):
    """An execution's outcome and its ``Stopped``, appended as one so that nothing can come between them.

    seal: empty until the pump has seen the execution's first ending, and the same list for every repeat.
    """

    seal: list[None]
    outcome: Event | UnfinishedFailure
    stopped: Stopped


Item = Event | Ending

#: The kind of what an item carries, by its class. To look a class up in a dict asks its metaclass, which may be anybody's:
#: these are compared one by one.
KINDS: tuple[tuple[type, str], ...] = (
    *((kind, name) for name, kind in events.KINDS.items()),
    (UnfinishedFailure, "failure"),
)


def kinds_in(item: object) -> list[str]:
    """The kind of an event, or the two of an `Ending`; what is neither is of no known kind."""
    return [_kind_of(type(event)) for event in ((item.outcome, item.stopped) if type(item) is Ending else (item,))]


def _kind_of(found: type) -> str:
    for kind, name in KINDS:
        if kind is found:
            return name
    return "unknown"


def events_in(item: object) -> int:
    return 2 if type(item) is Ending else 1
