"""What people ask for: an incident is fixed, or they don't want to hear of it for a while. The keeper does it."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from jobreporter_history._engines.database import Connection
from jobreporter_history._incidents.transitions import Decision, Known

Action = Literal["resolve", "silence", "unsilence"]


class Request(NamedTuple):
    """One of them."""

    id: int
    incident: int
    action: Action
    until: float | None
    release: str | None


_COLUMNS = ", ".join(Request._fields)


def ask(
    connection: Connection,
    incident: int,
    action: Action,
    *,
    now: float,
    by: str,
    until: float | None = None,
    release: str | None = None,
) -> int:
    """Ask the keeper. by: who asks, for the record. Returns the number of the request."""
    connection.run(
        "INSERT INTO incident_request (incident, action, until, release, asked_at, asked_by) VALUES (?, ?, ?, ?, ?, ?)",
        (incident, action, until, release, now, by),
    )
    [(number,)] = connection.rows(connection.words.last_identity)
    return int(number)


def answered(connection: Connection, request: int) -> str | None:
    """What became of a request; ``None`` while it waits."""
    found = connection.row("SELECT answer FROM incident_request WHERE id = ?", (request,))
    return found[0] if found else None


def waiting(connection: Connection) -> list[Request]:
    """What is asked for, in order."""
    rows = connection.rows(f"SELECT {_COLUMNS} FROM incident_request WHERE done_at IS NULL ORDER BY id")
    return [Request(*row) for row in rows]


def answer(connection: Connection, request: Request, words: str, now: float) -> None:
    """Note that it is done."""
    connection.run("UPDATE incident_request SET done_at = ?, answer = ? WHERE id = ?", (now, words, request.id))


def decide(request: Request, known: Known | None, now: float) -> tuple[Decision | None, str]:
    """What a request leads to, and the answer to it."""
    if known is None:
        return None, f"there is no incident {request.incident}"
    if request.action == "resolve":
        return _resolve(request, known, now)
    if request.action == "silence":
        return _silence(request, known, now)
    if known.silenced_until is None:
        return None, f"incident {known.id} is not silenced"
    return Decision("unsilenced", known.state, "by hand", changes={"silenced_until": None}), "it is heard of again"


def _resolve(request: Request, known: Known, now: float) -> tuple[Decision | None, str]:
    if known.state == "resolved":
        return None, f"incident {known.id} was resolved already"
    facts: dict[str, Any] = {"failed": known.failed, "final": known.final}
    words = "it is resolved"
    if request.release:
        facts["release"] = request.release
        words += f"; failures in releases before {request.release} don't open it again"
    changes = {"resolved_at": now, "fixed_release": request.release}
    return Decision("resolved", "resolved", "by hand", facts, changes), words


def _silence(request: Request, known: Known, now: float) -> tuple[Decision | None, str]:
    if request.until is None or request.until <= now:
        return None, "a silence needs an end that is yet to come"
    facts = {"until": request.until}
    return Decision("silenced", known.state, "by hand", facts, {"silenced_until": request.until}), "it is silenced"
