"""What the rows that are kept add up to, day by day: for those who compare the rollups with it, or make them anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from jobreporter_history._calendar import DAY, Kind, Table, ended_at, first_id, table_of
from jobreporter_history._engines.database import Connection
from jobreporter_history._engines.trouble import Gone
from jobreporter_history._rollups import Cell, Key, keys

#: Rows that are in memory at a time.
ROWS = 5000
_COLUMNS = "id, series, outcome, final, will_retry, duration, queue_wait"
_KINDS: tuple[Kind, Kind] = ("ok", "bad")


class Day(NamedTuple):
    """A day of which rows are kept. tables: those that have any of it."""

    begins: float
    tables: tuple[Table, ...]
    #: The kinds of which every row of the day is kept, as far as that is known.
    whole: frozenset[Kind]

    @property
    def ends(self) -> float:
        """When the next one begins."""
        return self.begins + DAY


class Sum(NamedTuple):
    """What rows add up to, and how many they are."""

    cells: dict[Key, Cell]
    rows: int


def days(connection: Connection, tables: Sequence[Table]) -> Iterator[Day]:
    """Every day of which rows may be kept, the oldest first. tables: all that there are, the oldest first."""
    names = {table.name for table in tables}
    # Days go from the oldest on: what is missing behind the first that there is has never been.
    first = {kind: min((each.begins for each in tables if each.kind == kind), default=None) for kind in ("ok", "bad")}
    begins = {day for table in tables for day in _days_of(table)}
    if begins:
        sql = f"SELECT DISTINCT t FROM rollup WHERE res = {int(DAY)} AND t >= ?"
        begins |= {float(t) for (t,) in connection.rows(sql, (int(min(begins)),))}
    for day in sorted(begins):
        wanted: tuple[tuple[Kind, Table], ...] = tuple((kind, table_of(kind, day)) for kind in _KINDS)
        there = tuple(table for _, table in wanted if table.name in names)
        counted = dict(zip(_KINDS, _counted(connection, day), strict=True))
        whole = frozenset(
            kind
            for kind, table in wanted
            if table.name in names
            or ((oldest := first[kind]) is not None and table.begins >= oldest)
            or not counted[kind]
        )
        yield Day(day, there, whole)


def _days_of(table: Table) -> Iterator[float]:
    day = table.begins
    while day < table.ends:
        yield day
        day += DAY


def _counted(connection: Connection, day: float) -> tuple[int, int]:
    """How many successes and aborts, and how many failures the rollups have of a day."""
    integer = connection.words.integer
    sums = ", ".join(f"CAST(coalesce(sum({each}), 0) AS {integer})" for each in ("ok + aborted", "failed"))
    [(ok, bad)] = connection.rows(f"SELECT {sums} FROM rollup WHERE res = {int(DAY)} AND t = ?", (int(day),))
    return int(ok), int(bad)


def add_up(connection: Connection, tables: Sequence[Table], begin: float, end: float) -> Sum:
    """The cells of every length, as far as rows that ended within the range fill them."""
    cells: dict[Key, Cell] = {}
    count = 0
    for table in tables:
        position, beyond = first_id(begin), first_id(end)
        sql = f"SELECT {_COLUMNS} FROM {table.name} WHERE id >= ? AND id < ? ORDER BY id LIMIT {ROWS}"
        while True:
            try:
                rows = connection.rows(sql, (position, beyond))
            except Gone:
                break
            for number, series, outcome, final, will_retry, duration, wait in rows:
                for key in keys(series, ended_at(number)):
                    cells.setdefault(key, Cell()).count(
                        outcome, final=bool(final), retried=will_retry == 1, duration=duration, wait=wait
                    )
            count += len(rows)
            if len(rows) < ROWS:
                break
            position = rows[-1][0] + 1
    return Sum(cells, count)


def count(connection: Connection, tables: Sequence[Table], begin: float, end: float) -> int:
    """How many rows ended within the range."""
    found = 0
    for table in tables:
        sql = f"SELECT count(*) FROM {table.name} WHERE id >= ? AND id < ?"
        [(rows,)] = connection.rows(sql, (first_id(begin), first_id(end)))
        found += rows
    return found
