"""Rollups made anew out of the rows that are kept, a short span at a time: workers go on writing meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from jobreporter_history._calendar import DAY, Table
from jobreporter_history._engines.database import Connection, Database
from jobreporter_history._engines.sqlite import SqliteConnection
from jobreporter_history._rollups import CELL, KEY, RESOLUTIONS, Cell, Key
from jobreporter_history._schema import executions as schema
from jobreporter_history._upkeep.adding_up import Day, Sum, add_up, count, days

# Rows are added up before the transaction that writes their sums. Whoever writes into the same span all the time is
# kept waiting after so many vain attempts.
_TRIES = 3
_SPANS = (600, 3600, int(DAY))
_COLUMNS = (*KEY, *CELL)


def repair(database: Database) -> tuple[int, int]:
    """Make the rollups of every day anew whose rows are all there. Returns how many days, and how many others there were.

    Of a day whose successes are kept and whose failures aren't, or the other way round, nobody knows any more.
    """
    now = database.now()
    with database.reading() as connection:
        found = list(days(connection, schema.existing(connection)))
    repaired = skipped = 0
    for day in found:
        with database.reading() as connection:
            if not _has_anything(connection, day):
                continue
        if len(day.whole) == 2:
            _repair_day(database, day, now)
            repaired += 1
        else:
            skipped += 1
    return repaired, skipped


def _has_anything(connection: Connection, day: Day) -> bool:
    cells = connection.row("SELECT 1 FROM rollup WHERE t >= ? AND t < ? LIMIT 1", (int(day.begins), int(day.ends)))
    return cells is not None or count(connection, day.tables, day.begins, day.ends) > 0


def _repair_day(database: Database, day: Day, now: float) -> None:
    """The shortest spans out of the rows, and every longer one out of the next shorter."""
    span = _span_of(day, now)
    for begin in range(int(day.begins), int(day.ends), span):
        _repair_span(database, begin, span, now)
    for shorter, longer in pairwise(each for each in _SPANS if each >= span):
        for begin in range(int(day.begins), int(day.ends), longer):
            _add_up_cells(database, begin, shorter, longer)


def _span_of(day: Day, now: float) -> int:
    """The length of the cells that stay for another day at least, so that the longer ones can be made of them."""
    for span in _SPANS:
        keep = RESOLUTIONS[span]
        if keep is None or day.begins > now - keep + DAY:
            return span
    return _SPANS[-1]


def _repair_span(database: Database, begin: int, span: int, now: float) -> None:
    end = begin + span
    for left in reversed(range(_TRIES)):
        with database.reading() as connection:
            found = add_up(connection, _tables(connection, begin, end), begin, end)
            stored = _cells(connection, begin, end, span)
        wanted = dict(_kept(found, span, now))
        if wanted.keys() == stored.keys() and all(wanted[key].to_row() == stored[key].to_row() for key in wanted):
            return
        with database.writing() as connection:
            _alone(connection)
            tables = _tables(connection, begin, end)
            if count(connection, tables, begin, end) != found.rows:
                if left:
                    continue
                wanted = dict(_kept(add_up(connection, tables, begin, end), span, now))
            connection.run("DELETE FROM rollup WHERE res <= ? AND t >= ? AND t < ?", (span, begin, end))
            _insert(connection, wanted)
        return


def _tables(connection: Connection, begin: int, end: int) -> list[Table]:
    """Those that have the span, as of now: the first failure of a month makes another one."""
    return [table for table in schema.existing(connection) if table.begins < end and table.ends > begin]


def _kept(found: Sum, span: int, now: float) -> Iterator[tuple[Key, Cell]]:
    """The cells up to that length, without those that are too old to be kept."""
    for key, cell in found.cells.items():
        keep = RESOLUTIONS[key.res]
        if key.res <= span and (key.res == span or keep is None or key.t >= now - keep):
            yield key, cell


def _cells(connection: Connection, begin: int, end: int, span: int) -> dict[Key, Cell]:
    sql = f"SELECT {', '.join(_COLUMNS)} FROM rollup WHERE res <= ? AND t >= ? AND t < ?"
    found: dict[Key, Cell] = {}
    for row in connection.rows(sql, (span, begin, end)):
        cell = found[Key(*row[: len(KEY)])] = Cell()
        cell.add(row[len(KEY) :])
    return found


def _add_up_cells(database: Database, begin: int, shorter: int, longer: int) -> None:
    with database.writing() as connection:
        _alone(connection)
        cells: dict[Key, Cell] = {}
        sql = f"SELECT series, {', '.join(CELL)} FROM rollup WHERE res = ? AND t >= ? AND t < ?"
        for series, *row in connection.rows(sql, (shorter, begin, begin + longer)):
            cells.setdefault(Key(longer, begin, series), Cell()).add(tuple(row))
        connection.run("DELETE FROM rollup WHERE res = ? AND t = ?", (longer, begin))
        _insert(connection, cells)


def _alone(connection: Connection) -> None:
    """Nobody else changes a cell until the transaction ends; SQLite has one writer at a time anyway."""
    if not isinstance(connection, SqliteConnection):
        connection.run("LOCK TABLE rollup IN EXCLUSIVE MODE")


def _insert(connection: Connection, cells: dict[Key, Cell]) -> None:
    connection.run_many(
        f"INSERT INTO rollup ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})",
        [(*key, *cells[key].to_row()) for key in sorted(cells)],
    )
