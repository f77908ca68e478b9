"""What an incident is called, and which of them come first."""

from __future__ import annotations

from collections.abc import Iterable

from jobreporter_history.store import Incident

_FIRST = ("missed", "regressed")


def status_of(incident: Incident) -> str:
    """The one word for an incident's state."""
    if incident.state == "open" and incident.kind == "missed":
        return "missed"
    return "regressed" if incident.state == "open" and incident.last_happening == "regressed" else incident.state


def first_of_all(incidents: Iterable[Incident]) -> list[Incident]:
    """Missed runs before what has come back, and that before all else, each in the order that it comes in."""
    return sorted(incidents, key=lambda each: _FIRST.index(status) if (status := status_of(each)) in _FIRST else 9)
