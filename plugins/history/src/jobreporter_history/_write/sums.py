"""What rows add up to: rollups, and the sums of incidents. They move with the rows, in the same transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jobreporter_history._calendar import Table, ended_at
from jobreporter_history._engines.database import Connection, Statement
from jobreporter_history._engines.trouble import Gone
from jobreporter_history._rollups import Cell, Key, keys
from jobreporter_history._write import cells

#: Seconds of the cells in which failures of an incident are counted.
CELL_SECONDS = 600

_INCIDENT = (
    "UPDATE incident SET failed = failed + ?, final = final + ?,"
    " first_seen = CASE WHEN first_seen < ? THEN first_seen ELSE coalesce(?, first_seen) END,"
    " last_fail = CASE WHEN last_fail > ? THEN last_fail ELSE coalesce(?, last_fail) END,"
    " last_final = CASE WHEN last_final > ? THEN last_final ELSE coalesce(?, last_final) END WHERE id = ?"
)
_SERIES = "INSERT INTO incident_series (incident, series) VALUES (?, ?) ON CONFLICT DO NOTHING"
_CELL = (
    "INSERT INTO incident_cell (incident, t, failed, final) VALUES (?, ?, ?, ?) ON CONFLICT (incident, t)"
    " DO UPDATE SET failed = incident_cell.failed + excluded.failed, final = incident_cell.final + excluded.final"
)


class Failures:
    """How the sums of one incident change."""

    __slots__ = ("cells", "failed", "final", "first_seen", "last_fail", "last_final", "series", "taken_out")

    def __init__(self) -> None:
        self.failed = self.final = 0
        self.first_seen: float | None = None
        self.last_fail: float | None = None
        self.last_final: float | None = None
        #: By their beginning: how many failed, and how many of them finally.
        self.cells: dict[int, list[int]] = {}
        self.series: set[int] = set()
        #: Whether something was taken out, so that the first and the last may be others now.
        self.taken_out = False

    def count(self, series: int, at: float, *, final: bool, by: int) -> None:
        """Count one failure. by: 1, or -1 to take it out again."""
        self.failed += by
        self.final += by * final
        cell = self.cells.setdefault(int(at // CELL_SECONDS) * CELL_SECONDS, [0, 0])
        cell[0] += by
        cell[1] += by * final
        if by < 0:
            self.taken_out = True
            return
        self.series.add(series)
        self.first_seen = at if self.first_seen is None else min(self.first_seen, at)
        self.last_fail = at if self.last_fail is None else max(self.last_fail, at)
        if final:
            self.last_final = at if self.last_final is None else max(self.last_final, at)


class Sums:
    """Adds up what a batch changes, and writes it once. tables: all tables of executions that there are."""

    def __init__(self, connection: Connection, tables: Sequence[Table]) -> None:
        self._connection = connection
        self._tables = tables
        self._cells: dict[Key, Cell] = {}
        self._incidents: dict[int, Failures] = {}

    def count(self, row: Mapping[str, Any], at: float, by: int) -> None:
        """Count a row that comes, or one that goes (-1)."""
        for key in keys(row["series"], at):
            self._cells.setdefault(key, Cell()).count(
                row["outcome"],
                final=bool(row["final"]),
                retried=row["will_retry"] == 1,
                duration=row["duration"],
                wait=row["queue_wait"],
                by=by,
            )
        if row["incident"] is not None:
            # A run that was missed is no failure, and counts as one that nothing follows.
            final = bool(row["final"]) or row["outcome"] == "aborted"
            self._incidents.setdefault(row["incident"], Failures()).count(row["series"], at, final=final, by=by)

    def write(self) -> None:
        """Write it. Raises `Gone` if an incident or a cell was taken away meanwhile."""
        if not self._cells:
            return
        connection, changed, incidents = self._connection, sorted(self._cells), sorted(self._incidents)
        # Mostly all are there already; and to others a row that is about to be made is as good as locked.
        known = cells.known(connection, changed)
        # In the same order in every process: whoever comes second waits, and nobody waits for one another. From here on
        # others may wait for this one, so there are few ways to the server.
        self._lock(incidents)
        cells.make(connection, [key for key in changed if key not in known])
        locked = cells.lock(connection, changed)
        if gone := self._cells.keys() - locked.keys():
            raise Gone(f"{len(gone)} cells were emptied by another writer")
        for key, row in locked.items():
            self._cells[key].add(row)
        connection.run_all([*self._incidents_written(), *cells.written(connection, self._cells)])
        for number in incidents:
            if self._incidents[number].taken_out:
                self._look_again(number)

    def _lock(self, incidents: Sequence[int]) -> None:
        if not incidents:
            return
        connection = self._connection
        sql = f"SELECT id FROM incident WHERE {connection.any_of('id')} ORDER BY id{connection.words.for_update}"
        found = {number for (number,) in connection.rows(sql, (connection.array(incidents),))}
        if gone := set(incidents) - found:
            raise Gone(f"{len(gone)} incidents are no longer kept")

    def _incidents_written(self) -> Iterator[Statement]:
        incidents = sorted(self._incidents.items())
        rows = []
        for number, each in incidents:
            first, last, final = each.first_seen, each.last_fail, each.last_final
            rows.append((each.failed, each.final, first, first, last, last, final, final, number))
        yield _INCIDENT, rows
        yield _SERIES, [(number, series) for number, each in incidents for series in sorted(each.series)]
        yield _CELL, [(number, t, *counts) for number, each in incidents for t, counts in sorted(each.cells.items())]

    def _look_again(self, number: int) -> None:
        """After something was taken out of an incident: its first and last failures, and cells that are empty now."""
        self._connection.run("DELETE FROM incident_cell WHERE incident = ? AND failed = 0", (number,))
        ids, finals = self._ids(number, ""), self._ids(number, " AND (final = 1 OR outcome = 'aborted')")
        self._connection.run(
            "UPDATE incident SET first_seen = ?, last_fail = ?, last_final = ? WHERE id = ?",
            (*(ended_at(edge(ids)) if ids else None for edge in (min, max)), _latest(finals), number),
        )
        gone = self._connection.run(
            "DELETE FROM incident WHERE id = ? AND failed = 0 AND state = 'pending' AND seq = 0", (number,)
        )
        if gone:
            self._connection.run("DELETE FROM incident_series WHERE incident = ?", (number,))

    def _ids(self, number: int, condition: str) -> list[int]:
        found: list[int] = []
        for table in self._tables:
            narrowed = "" if table.kind == "bad" else " AND outcome = 'aborted' AND outcome <> 'success'"
            sql = f"SELECT min(id), max(id) FROM {table.name} WHERE incident = ?{narrowed}{condition}"
            for edges in self._connection.rows(sql, (number,)):
                found += [edge for edge in edges if edge is not None]
        return found


def _latest(ids: Sequence[int]) -> float | None:
    return ended_at(max(ids)) if ids else None
