"""An event as everybody here writes it down, whoever it came from."""

from __future__ import annotations

from typing import NamedTuple

from jobreporter import Event, kind_of

#: What ends the ids of jobs that have one event for each vendor that it will never take.
POISON = "-poison"


class Told(NamedTuple):
    """Names one event. An execution has each kind of event once."""

    job: str
    execution: str
    kind: str


def told(event: Event) -> Told:
    """The name of an event."""
    return Told(event.job.id, event.job.execution_id, kind_of(event))


def is_poison(reporter: str, event: Told) -> bool:
    """Whether this reporter's vendor refuses the event for good."""
    kinds = {"notes": ("success", "failure"), "mail": ("stopped",)}
    return event.job.endswith(POISON) and event.kind in kinds.get(reporter, ())
