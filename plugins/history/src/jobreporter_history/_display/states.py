"""What an incident is called."""

from __future__ import annotations

from jobreporter_history.store import Incident


def status_of(incident: Incident) -> str:
    """The one word for an incident's state."""
    if incident.state == "open" and incident.kind == "missed":
        return "missed"
    return "regressed" if incident.state == "open" and incident.last_happening == "regressed" else incident.state
