"""What is to be told to people, by one reader: at least once each, and by one process at a time."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import msgspec

from jobreporter_history._engines.database import Connection, Database
from jobreporter_history._read import incidents
from jobreporter_history._read.names import Names
from jobreporter_history._records.executions import ExecutionDetail
from jobreporter_history._records.incidents import Happening, Incident, LogRow
from jobreporter_history._schema import migrations

#: Seconds that a claim lasts, unless another length is asked for.
CLAIM = 60.0
# Seconds after which a reader shows again that it lives, and after which no row of the log comes into sight any more that
# is older than one that was seen.
_BEAT = 60.0
# So many rows that wait are looked at in one go.
_MOST = 2000
# Seconds that no claim is longer than, nor anything given back for. One that seems to be is from before the clock was set back.
_LONGEST = 3600.0


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the log that is to be told."""

    row: LogRow
    #: As it is now.
    incident: Incident
    #: The newest failure that is kept.
    sample: ExecutionDetail | None
    #: How often it was claimed before: more than never, if a delivery failed or was cut off.
    tries: int


class Outbox:
    """`Store.outbox` makes it. What happened before a reader's first claim is not told by it.

    A notice is claimed, told, and marked as told. Whoever is killed between the last two has it told again, and nothing
    else does. What happened to one incident is told in its order. Every method may raise `StoreError`.
    """

    def __init__(
        self,
        database: Database,
        names: Names,
        reader: str,
        repeat: float | None,
        tell: Collection[Happening] | None = None,
    ) -> None:
        self._database = database
        self._names = names
        self._reader = reader
        self._repeat = repeat
        self._tell = tell
        self._owner = secrets.token_hex(8)
        self._checked = False

    def claim(self, *, limit: int = 50, settled: float = 0.0, lease: float = CLAIM) -> tuple[Notice, ...]:
        """The oldest notices that are not told yet and that no other process is at.

        settled: seconds that a notice must be old, in which it may turn out to be over; one about a missed run is never
        held up for that. lease: seconds after which another process may claim what was neither told nor given back.
        """
        now = self._database.now()
        if not self._is_due(now, settled):
            return ()
        with self._database.writing() as connection:
            # First, since it locks the reader's row: of those that claim for one reader, each sees what others claimed.
            self._register(connection, now)
            self._move_on(connection, now)
            passed, claimed = list[LogRow](), list[_Waiting]()
            for waiting in _in_order(self._waiting(connection), now, settled):
                if self._is_passed_over(connection, waiting.row):
                    passed.append(waiting.row)
                elif len(claimed) < limit:
                    claimed.append(waiting)
            self._claim(connection, passed, now)
            self._claim(connection, [each.row for each in claimed], now + min(lease, _LONGEST))
            # What is passed over counts as told.
            connection.run_many(
                "UPDATE told SET told_at = 0, until = NULL WHERE reader = ? AND incident = ? AND seq = ?",
                [(self._reader, row.incident, row.seq) for row in passed],
            )
            return self._notices(connection, claimed)

    def renew(self, *notices: Notice, lease: float = CLAIM) -> bool:
        """Have the claims last for ``lease`` seconds from now on. Returns whether all of them were still held."""
        return self._change(notices, "until = ?", self._database.now() + min(lease, _LONGEST))

    def told(self, *notices: Notice) -> bool:
        """They were told. Returns whether all were still claimed: otherwise another process may tell them as well."""
        return self._change(notices, "told_at = ?, until = NULL", self._database.now())

    def give_back(self, *notices: Notice, after: float = 0.0, untried: bool = False) -> bool:
        """They could not be told: they may be claimed again ``after`` seconds. Returns whether all were still claimed.

        untried: nobody tried to tell them, so that this is no try.
        """
        change = "until = ?, tries = tries - 1" if untried else "until = ?"
        return self._change(notices, change, self._database.now() + min(after, _LONGEST))

    def told_lately(self, seconds: float) -> int:
        """How many notices were told within the last ``seconds``."""
        now = self._database.now()
        with self._database.reading() as connection:
            sql = "SELECT count(*) FROM told WHERE reader = ? AND told_at > ? AND told_at < ?"
            [(count,)] = connection.rows(sql, (self._reader, now - seconds, now + seconds))
            return int(count)

    def _is_due(self, now: float, settled: float) -> bool:
        """Whether there is something to write: looked up without a lock, since mostly there isn't."""
        with self._database.reading() as connection:
            if not self._checked:
                migrations.check_version(connection)
                self._checked = True
            known = connection.row("SELECT repeat, seen_at FROM reader WHERE name = ?", (self._reader,))
            if known is None or known[0] != self._repeat or known[1] <= now - _BEAT:
                return True
            return any(True for _ in _in_order(self._waiting(connection), now, settled))

    def _register(self, connection: Connection, now: float) -> None:
        [(newest,)] = connection.rows("SELECT coalesce(max(n), 0) FROM incident_log")
        connection.run(
            "INSERT INTO reader (name, since, repeat, seen_at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET repeat = excluded.repeat, seen_at = excluded.seen_at",
            (self._reader, newest, self._repeat, now),
        )

    def _move_on(self, connection: Connection, now: float) -> None:
        """Pass over the beginning of the log that is told, so that it isn't looked through again."""
        [(seen,)] = connection.rows("SELECT coalesce(max(n), 0) FROM incident_log WHERE at <= ?", (now - _BEAT,))
        waiting = next(iter(self._waiting(connection)), None)
        since = seen if waiting is None else min(seen, waiting.row.n - 1)
        connection.run("UPDATE reader SET since = ? WHERE name = ? AND since < ?", (since, self._reader, since))

    def _waiting(self, connection: Connection) -> Iterator[_Waiting]:
        """What is not told, in the order in which it happened."""
        columns = incidents.log_columns("l")
        rows = connection.rows(
            f"SELECT {columns}, coalesce(t.tries, 0), t.until FROM incident_log l JOIN reader r ON r.name = ?"
            " LEFT JOIN told t ON t.reader = r.name AND t.incident = l.incident AND t.seq = l.seq"
            f" WHERE l.n > r.since AND l.quiet = 0 AND t.told_at IS NULL ORDER BY l.n LIMIT {_MOST}",
            (self._reader,),
        )
        return (_Waiting(incidents.log_row(row[:-2]), row[-2], row[-1]) for row in rows)

    def _is_passed_over(self, connection: Connection, row: LogRow) -> bool:
        """Whether it is of a kind that this reader doesn't tell, or a reminder that another one wanted."""
        return not (self._tell is None or row.happening in self._tell) or self._too_soon(connection, row)

    def _too_soon(self, connection: Connection, row: LogRow) -> bool:
        if row.happening != "reminded":
            return False
        [(last,)] = connection.rows(
            "SELECT max(l.at) FROM told t JOIN incident_log l ON l.incident = t.incident AND l.seq = t.seq"
            " WHERE t.reader = ? AND t.incident = ? AND t.told_at > 0",
            (self._reader, row.incident),
        )
        return self._repeat is None or (last is not None and row.at - last < self._repeat)

    def _claim(self, connection: Connection, rows: Iterable[LogRow], until: float) -> None:
        connection.run_many(
            "INSERT INTO told (reader, incident, seq, owner, until, tries) VALUES (?, ?, ?, ?, ?, 1)"
            " ON CONFLICT (reader, incident, seq) DO UPDATE"
            " SET owner = excluded.owner, until = excluded.until, tries = told.tries + 1",
            [(self._reader, row.incident, row.seq, self._owner, until) for row in rows],
        )

    def _notices(self, connection: Connection, claimed: Iterable[_Waiting]) -> tuple[Notice, ...]:
        found = incidents.these(connection, {each.row.incident for each in claimed})
        samples = {number: incidents.sample(connection, self._names, number) for number in found}
        # An incident's log goes when it goes.
        return tuple(
            Notice(row=each.row, incident=found[each.row.incident], sample=samples[each.row.incident], tries=each.tries)
            for each in claimed
        )

    def _change(self, notices: Iterable[Notice], change: str, value: float) -> bool:
        """Change those of the claims that are still held. Returns whether all were."""
        wanted = {(notice.row.incident, notice.row.seq) for notice in notices}
        with self._database.writing() as connection:
            held = wanted & set(
                connection.rows(
                    "SELECT incident, seq FROM told WHERE reader = ? AND owner = ? AND told_at IS NULL AND"
                    f" {connection.any_of('incident')}{connection.words.for_update}",
                    (self._reader, self._owner, connection.array([incident for incident, _ in wanted])),
                )
            )
            connection.run_many(
                f"UPDATE told SET {change} WHERE reader = ? AND incident = ? AND seq = ?",
                [(value, self._reader, *key) for key in sorted(held)],
            )
        return held == wanted


class _Waiting(NamedTuple):
    """A row that isn't told. until: when the claim on it ends; ``None``: there is none."""

    row: LogRow
    tries: int
    until: float | None


def _in_order(waiting: Iterable[_Waiting], now: float, settled: float) -> Iterator[_Waiting]:
    """What may be told now: nothing of an incident of which something has to wait that happened before."""
    held: set[int] = set()
    for each in waiting:
        row = each.row
        young = now - settled < row.at < now + max(settled, _BEAT) and row.happening != "missed"
        taken = each.until is not None and now < each.until <= now + _LONGEST
        if row.incident not in held and not young and not taken:
            yield each
        else:
            held.add(row.incident)
