"""The signs of life of processes, with the ledgers of their reporters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from jobreporter import Context, LaneStats, Origin
from jobreporter_history._engines.database import Connection, Database
from jobreporter_history._rows.bounds import cut
from jobreporter_history._rows.text import storable

#: Seconds between two signs of life; and from the start to the first, for a process that runs one job has ended by then.
INTERVAL = 15.0
FIRST = 10.0

_NAMES = ("host", "pid", "service", "environment", "release", "version", "agent", "started_at", "seen_at", "ledger")
_TEXT = 250


class Heartbeat:
    """Of one process. started_at: when it began to report (Unix seconds)."""

    def __init__(self, database: Database, context: Context, started_at: float) -> None:
        self._database = database
        self._context = context
        self._started_at = started_at
        self._next = started_at + FIRST
        self._shown = False

    def beat(self, now: float, *, agent: bool) -> None:
        """Show that this process lives, and those that it knows of through a stream, if it is time."""
        if self._next - INTERVAL <= now < self._next:  # earlier still: the clock was set back
            return
        self._next = now + INTERVAL
        context = self._context
        rows = [_row(context.origin, agent, self._started_at, now, context.stats())]
        rows += [_row(each.origin, False, each.last_beat, each.last_beat, each.ledger) for each in context.producers()]
        with self._database.writing() as connection:
            for row in sorted(rows, key=lambda row: row[:2]):
                _show(connection, row, now)
        self._shown = True

    def stop(self) -> None:
        """It ends in good order, and nobody needs to miss it."""
        if self._shown:
            with self._database.writing() as connection:
                here = (storable(self._context.host), self._context.pid)
                connection.run("DELETE FROM process WHERE host = ? AND pid = ?", here)
            self._shown = False


def _show(connection: Connection, row: tuple[Any, ...], now: float) -> None:
    # A number that was given to another process begins anew; one that is told of again does not.
    kept = (
        "started_at = CASE WHEN process.version = excluded.version THEN process.started_at ELSE excluded.started_at END"
    )
    changes = ", ".join(f"{name} = excluded.{name}" for name in _NAMES[2:] if name != "started_at")
    connection.run(
        f"INSERT INTO process ({', '.join(_NAMES)}) VALUES ({', '.join('?' * len(_NAMES))})"
        f" ON CONFLICT (host, pid) DO UPDATE SET {changes}, {kept}"
        # What several agents tell may come out of order; what was seen later than now was seen before the clock was set back.
        " WHERE process.seen_at <= excluded.seen_at OR process.seen_at > ?",
        (*row, now),
    )


def _row(
    origin: Origin, agent: bool, started_at: float, seen_at: float, ledger: Mapping[str, LaneStats]
) -> tuple[Any, ...]:
    plain = {name: msgspec.to_builtins(stats) | {"lost": stats.lost} for name, stats in ledger.items()}
    texts = (origin.service or "", origin.environment or "", origin.release, origin.version)
    service, environment, release, version = (text and storable(cut(text, _TEXT)) for text in texts)
    stored = msgspec.json.encode(plain).decode()
    host = storable(cut(origin.host, _TEXT))
    return (host, origin.pid, service, environment, release, version, int(agent), started_at, seen_at, stored)
