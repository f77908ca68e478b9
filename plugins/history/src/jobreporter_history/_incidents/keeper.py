"""The keeper: whoever has the lease decides what the sums mean, and logs it.

It looks for what is due without a lock, and then decides those few again in a short transaction, if it still has the
lease. `incident_log` is keyed by ``(incident, seq)``: that is what people are told from.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from jobreporter_history._engines.database import Connection, Database, Row
from jobreporter_history._incidents import lease as leases
from jobreporter_history._incidents import requests
from jobreporter_history._incidents.facts import StoredFacts
from jobreporter_history._incidents.lease import Lease
from jobreporter_history._incidents.transitions import Decision, Known, decide, is_quiet

_COLUMNS = ", ".join(Known._fields)
# Of an incident, by the clock of whoever decides, and what that is compared with.
_DECIDED = ("resolved_at", "told_at", "opened_at", "last_fail", "last_final")
# Decisions about one incident in one tick, such as the end of a silence and then that it got worse.
_MOST = 4
# Seconds without a sign of life, after which nobody reads any more.
_FORGOTTEN = 7 * 86_400.0


class Keeper:
    """owner: what it is known by, different for each process life. agent: whether it is an agent's."""

    def __init__(self, database: Database, owner: str, *, agent: bool = False) -> None:
        self._database = database
        self._owner = owner
        self.agent = agent
        self.lease: Lease | None = None
        self._decided_at = float("inf")

    def take(self, now: float, *, idle: float = 0.0) -> bool:
        """Take the lease, or renew it. Returns whether this one is the keeper. idle: seconds without any other keeper."""
        self.lease = leases.take(self._database, self._owner, now, agent=self.agent, idle=idle)
        return self.lease is not None

    def decide(self, now: float) -> int:
        """Decide all that is due. Returns how many rows were logged."""
        if now < self._decided_at:
            self._bring_back(now)
        self._decided_at = now
        logged = self._apply_requests(now)
        for _ in range(_MOST):
            due, repeat = self._due(now)
            if not (written := self._apply(due, now, repeat)):
                break
            logged += written
        return logged

    def close(self) -> None:
        """Give the lease back."""
        if self.lease is not None:
            leases.give_back(self._database, self.lease)
            self.lease = None

    def _due(self, now: float) -> tuple[list[int], float | None]:
        """The incidents about which something is due, as far as can be seen; and after how long people are reminded."""
        with self._database.reading() as connection:
            repeat = _repeat(connection, now)
            due = [
                known.id
                for known in _active(connection, now)
                if decide(known, StoredFacts(connection, known.id, now), now, repeat) is not None
            ]
        return due, repeat

    def _apply(self, due: Sequence[int], now: float, repeat: float | None) -> int:
        """Write it, as it is by now. Returns how many rows were logged."""
        if not due or self.lease is None:
            return 0
        logged = 0
        with self._database.writing() as connection:
            if not leases.holds(connection, self.lease):
                self.lease = None
                return 0
            for incident in due:
                known = _read(connection, incident)
                decision = known and decide(known, StoredFacts(connection, incident, now), now, repeat)
                if known is not None and decision is not None:
                    write(connection, known, decision, now)
                    logged += 1
        return logged

    def _bring_back(self, now: float) -> None:
        """Have nothing be decided later than now, which it is where the clock was set back: what fails until then would be older
        than that, and nobody would be told.
        """
        with self._database.reading() as connection:
            found = connection.rows(
                "SELECT id FROM incident WHERE resolved_at > ? OR told_at > ? ORDER BY id", (now, now)
            )
        if not found or self.lease is None:
            return
        changes = ", ".join(f"{column} = CASE WHEN {column} > ? THEN ? ELSE {column} END" for column in _DECIDED)
        with self._database.writing() as connection:
            if leases.holds(connection, self.lease):
                connection.run_many(
                    f"UPDATE incident SET {changes} WHERE id = ?",
                    [(*[now] * 2 * len(_DECIDED), number) for (number,) in found],
                )

    def _apply_requests(self, now: float) -> int:
        """Do what people asked for."""
        with self._database.reading() as connection:
            if not requests.waiting(connection):
                return 0
        logged = 0
        if self.lease is None:
            return 0
        with self._database.writing() as connection:
            if not leases.holds(connection, self.lease):
                self.lease = None
                return 0
            for request in requests.waiting(connection):
                known = _read(connection, request.incident)
                decision, answer = requests.decide(request, known, now)
                if decision is not None and known is not None:
                    write(connection, known, decision, now)
                    logged += 1
                requests.answer(connection, request, answer, now)
        return logged


def write(connection: Connection, known: Known, decision: Decision, now: float) -> None:
    """Log a decision, and have the incident be as it says."""
    quiet = is_quiet(decision, known, now)
    connection.run(
        "INSERT INTO incident_log (incident, seq, at, happening, cause, quiet, state, facts)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            known.id,
            known.seq + 1,
            now,
            decision.happening,
            decision.cause,
            int(quiet),
            decision.state,
            json.dumps(decision.facts),
        ),
    )
    changes: dict[str, Any] = {"seq": known.seq + 1, "state": decision.state, **decision.changes}
    if decision.state != known.state:
        changes["since"] = now
    if not quiet:
        changes["told_at"] = now
    settings = ", ".join(f"{column} = ?" for column in changes)
    connection.run(f"UPDATE incident SET {settings} WHERE id = ?", (*changes.values(), known.id))


def _active(connection: Connection, now: float) -> list[Known]:
    """The incidents about which something may be due."""
    rows = connection.rows(
        f"SELECT {_COLUMNS} FROM incident WHERE failed > 0 AND (state <> 'resolved' OR last_fail > resolved_at"
        " OR silenced_until <= ?) ORDER BY id",
        (now,),
    )
    return [Known(*row) for row in rows]


def _read(connection: Connection, incident: int) -> Known | None:
    """An incident, which nobody else changes until the transaction ends."""
    mark = connection.words.for_update
    found: Row | None = connection.row(f"SELECT {_COLUMNS} FROM incident WHERE id = ?{mark}", (incident,))
    return None if found is None else Known(*found)


def _repeat(connection: Connection, now: float) -> float | None:
    """The shortest time after which somebody who is told wants to be reminded; ``None`` if nobody is told."""
    found = connection.row("SELECT min(repeat) FROM reader WHERE seen_at > ?", (now - _FORGOTTEN,))
    return found[0] if found else None
