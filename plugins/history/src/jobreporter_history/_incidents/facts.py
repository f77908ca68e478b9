"""The answers to a decision's questions, out of the tables."""

from __future__ import annotations

from jobreporter_history._calendar import after_id, first_id
from jobreporter_history._engines.database import Connection
from jobreporter_history._engines.trouble import Gone
from jobreporter_history._incidents.transitions import CELL
from jobreporter_history._read.figures import Range, total_of
from jobreporter_history._records.incidents import Happening
from jobreporter_history._rollups import RESOLUTIONS
from jobreporter_history._schema import executions as schema

#: So few successes are counted one by one, from the last failure on; more of them by whole minutes after it.
_FEW = 50
_OPENINGS = "('opened', 'regressed', 'flapping', 'missed')"


class StoredFacts:
    """About one incident. now: for which cells are kept. Nothing is asked before it is needed."""

    def __init__(self, connection: Connection, incident: int, now: float) -> None:
        self._connection = connection
        self._incident = incident
        self._now = now
        self._series: list[int] | None = None

    def failures(self, since: float, until: float) -> tuple[int, int]:
        integer = self._connection.words.integer
        sums = ", ".join(f"CAST(coalesce(sum({column}), 0) AS {integer})" for column in ("failed", "final"))
        sql = f"SELECT {sums} FROM incident_cell WHERE incident = ? AND t >= ? AND t < ?"
        [(failed, final)] = self._connection.rows(sql, (self._incident, since, until))
        return failed, final

    def failure_cells(self, since: float, until: float) -> dict[int, int]:
        sql = "SELECT t, failed FROM incident_cell WHERE incident = ? AND t >= ? AND t < ?"
        return dict(self._connection.rows(sql, (self._incident, since, until)))

    def run_cells(self, since: float, until: float) -> dict[int, int]:
        found: dict[int, int] = {}
        for series in self._of_jobs():
            sql = f"SELECT t, ok + aborted + failed FROM rollup WHERE series = ? AND res = {CELL} AND t >= ? AND t < ?"
            for t, runs in self._connection.rows(sql, (series, since, until)):
                found[t] = found.get(t, 0) + runs
        return found

    def runs(self, since: float, until: float) -> int:
        minute = until // 60 * 60
        whole = (
            total_of(self._connection, self._of_jobs(), Range(since, minute, self._now)).runs if since < minute else 0
        )
        return whole + self._ended_between(max(since, minute), until)

    def successes(self, after: float, enough: int) -> int:
        return self._counted_one_by_one(after, enough) if enough <= _FEW else self._counted_by_minutes(after, enough)

    def ran(self, after: float) -> bool:
        # A cell that begins later than its last failure has none of them.
        sql = "SELECT 1 FROM rollup WHERE series = ? AND res = ? AND t > ? LIMIT 1"
        return any(self._connection.row(sql, (series, res, after)) for series in self._of_jobs() for res in RESOLUTIONS)

    def openings(self, since: float) -> list[float]:
        sql = f"SELECT at FROM incident_log WHERE incident = ? AND at >= ? AND happening IN {_OPENINGS} ORDER BY seq"
        return [at for (at,) in self._connection.rows(sql, (self._incident, since))]

    def happened(self, happening: Happening) -> float | None:
        found = self._connection.row(
            "SELECT max(at) FROM incident_log WHERE incident = ? AND happening = ?", (self._incident, happening)
        )
        return found[0] if found else None

    def fails_in(self, release: str, after: float) -> bool:
        # A release that was never seen comes after all that were.
        order = {name: place for place, name in enumerate(self._releases())}
        fixed = order.get(release, len(order))
        return any(name is None or order[name] >= fixed for name in self._failing(after))

    def _ended_between(self, since: float, until: float) -> int:
        """How many rows there are, one by one."""
        found = 0
        for table in schema.existing(self._connection):
            if table.begins <= until and table.ends > since:
                for series in self._of_jobs():
                    sql = (
                        f"SELECT count(*) FROM {table.name} WHERE series = ?"
                        " AND outcome IN ('success', 'aborted', 'failure') AND id >= ? AND id < ?"
                    )
                    [(count,)] = self._connection.rows(sql, (series, first_id(since), after_id(until)))
                    found += count
        return found

    def _counted_one_by_one(self, after: float, enough: int) -> int:
        found: int = 0
        for table in reversed(schema.existing(self._connection)):
            if table.kind == "ok" and table.ends > after:
                for series in self._of_jobs():
                    sql = (
                        f"SELECT count(*) FROM (SELECT 1 FROM {table.name} WHERE series = ? AND outcome = 'success'"
                        " AND id >= ? LIMIT ?) AS newer"
                    )
                    try:
                        [(count,)] = self._connection.rows(sql, (series, after_id(after), enough - found))
                    except Gone:
                        continue
                    found += count
                    if found >= enough:
                        return found
        return found

    def _counted_by_minutes(self, after: float, enough: int) -> int:
        since = after // 60 * 60 + 60
        found = total_of(self._connection, self._of_jobs(), Range(since, self._now, self._now)).succeeded
        return min(found, enough)

    def _of_jobs(self) -> list[int]:
        """Every series of the jobs that it was seen in: a job may go through several queues."""
        if self._series is None:
            rows = self._connection.rows(
                "SELECT DISTINCT s.id FROM series s JOIN series of ON of.name = s.name AND of.service = s.service"
                " AND of.environment = s.environment JOIN incident_series i ON i.series = of.id WHERE i.incident = ?",
                (self._incident,),
            )
            self._series = sorted(number for (number,) in rows)
        return self._series

    def _releases(self) -> list[str]:
        rows = self._connection.rows(
            "SELECT r.name FROM release r JOIN incident i ON i.service = r.service AND i.environment = r.environment"
            " WHERE i.id = ? ORDER BY r.first_seen, r.id",
            (self._incident,),
        )
        return [name for (name,) in rows]

    def _failing(self, after: float) -> set[str | None]:
        found: set[str | None] = set()
        for table in schema.existing(self._connection):
            if table.kind == "bad" and table.ends > after:
                sql = (
                    f"SELECT DISTINCT r.name FROM {table.name} x LEFT JOIN release r ON r.id = x.release"
                    " WHERE x.incident = ? AND x.id >= ?"
                )
                found.update(name for (name,) in self._connection.rows(sql, (self._incident, after_id(after))))
        return found
