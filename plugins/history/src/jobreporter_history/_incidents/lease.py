"""Who may decide: one keeper at a time, for as long as it shows that it lives."""

from __future__ import annotations

from typing import NamedTuple

from jobreporter_history._engines.database import Connection, Database, Row

#: Seconds that a lease is good for after it was last renewed.
LENGTH = 15.0

_NAME = "keeper"
_SELECT = "SELECT owner, until, agent FROM lease WHERE name = ?"


class Lease(NamedTuple):
    """What its owner shows with everything that it writes."""

    owner: str
    #: One more at each new owner.
    fence: int


def take(database: Database, owner: str, now: float, *, agent: bool, idle: float = 0.0) -> Lease | None:
    """Take the lease, or renew it. ``None`` if another keeper has it.

    agent: whether this is an agent's keeper, before which a worker's gives way. idle: seconds for which nobody may have
    had it.
    """
    with database.reading() as connection:
        if not _is_free(connection.row(_SELECT, (_NAME,)), owner, now, idle, agent=agent):
            return None
    with database.writing() as connection:
        found = connection.row(_SELECT + connection.words.for_update, (_NAME,))
        if not _is_free(found, owner, now, idle, agent=agent):
            return None
        connection.run(
            "INSERT INTO lease (name, owner, fence, until, agent) VALUES (?, ?, 1, ?, ?) ON CONFLICT (name) DO UPDATE"
            " SET fence = lease.fence + CASE WHEN lease.owner = excluded.owner THEN 0 ELSE 1 END,"
            " owner = excluded.owner, until = excluded.until, agent = excluded.agent",
            (_NAME, owner, now + LENGTH, int(agent)),
        )
        [(fence,)] = connection.rows("SELECT fence FROM lease WHERE name = ?", (_NAME,))
    return Lease(owner, fence)


def holds(connection: Connection, lease: Lease) -> bool:
    """Whether the lease is still its owner's, and nobody else can take it until the transaction ends."""
    mark = connection.words.for_update
    return connection.row(f"SELECT owner, fence FROM lease WHERE name = ?{mark}", (_NAME,)) == lease


def give_back(database: Database, lease: Lease) -> None:
    """Let another keeper have it at once."""
    now = database.now()
    with database.writing() as connection:
        sql = "UPDATE lease SET until = ? WHERE name = ? AND owner = ? AND fence = ? AND until > ?"
        connection.run(sql, (now, _NAME, *lease, now))


def _is_free(found: Row | None, owner: str, now: float, idle: float, *, agent: bool) -> bool:
    if found is None:
        return True
    other, until, of_agent = found
    # One that is good for longer than any is from before the clock was set back.
    is_over = until <= now - idle or until > now + LENGTH
    return bool(other == owner or is_over or (agent and not of_agent))
