"""Whether a history is in order: the file as SQLite sees it, and every rollup as its rows add up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from jobreporter_history._engines.database import Connection
from jobreporter_history._engines.sqlite import SqliteConnection
from jobreporter_history._engines.trouble import StoreError
from jobreporter_history._rollups import CELL, KEY, RESOLUTIONS, Cell, Key
from jobreporter_history._schema import executions as schema
from jobreporter_history._upkeep.adding_up import Day, add_up, days

#: What a cell says of each kind of table alone, and of both together.
_OF_KIND = {"ok": ("ok", "aborted"), "bad": ("failed", "final")}
_WORDS = {
    "dsum": "microseconds of durations",
    "dh": "durations",
    "wsum": "microseconds of waits",
    "wh": "waits",
    "ok": "successes",
    "aborted": "aborts",
    "failed": "failures",
    "final": "final failures",
    "retried": "retried ones",
}


def audit(connection: Connection, now: float) -> list[str]:
    """What is wrong, in sentences; nothing if all is in order. Nobody can write in between what it compares.

    now: cells that are too old to be kept by then aren't compared.
    """
    found: list[str] = []
    if isinstance(connection, SqliteConnection):
        found += [f"SQLite finds: {line}" for (line,) in connection.rows("PRAGMA integrity_check") if line != "ok"]
    try:
        for day in days(connection, schema.existing(connection)):
            found += _day(connection, day, now)
    except StoreError as error:
        found.append(str(error))
    return found


def _day(connection: Connection, day: Day, now: float) -> Iterator[str]:
    """A day in a transaction of its own: a longer one would have the write-ahead log grow for as long as it takes."""
    compared = [name for kind in sorted(day.whole) for name in _OF_KIND[kind]]
    if len(day.whole) == 2:
        compared = list(CELL)
    connection.run("BEGIN" if isinstance(connection, SqliteConnection) else "BEGIN ISOLATION LEVEL REPEATABLE READ")
    try:
        actual = add_up(connection, day.tables, day.begins, day.ends).cells
        stored = _stored(connection, day)
    finally:
        connection.run("ROLLBACK")
    for res, keep in RESOLUTIONS.items():
        since = 0.0 if keep is None else now - keep
        keys = sorted(key for key in actual.keys() | stored.keys() if key.res == res and key.t >= since)
        pairs = [
            _Difference(key, name, *values)
            for key in keys
            for name in compared
            if len(set(values := (_value(actual.get(key), name), _value(stored.get(key), name)))) > 1
        ]
        if pairs:
            yield _told(connection, day, res, pairs)


class _Difference(NamedTuple):
    key: Key
    name: str
    in_rows: object
    in_rollup: object


def _stored(connection: Connection, day: Day) -> dict[Key, Cell]:
    sql = f"SELECT {', '.join((*KEY, *CELL))} FROM rollup WHERE t >= ? AND t < ?"
    found: dict[Key, Cell] = {}
    for row in connection.rows(sql, (int(day.begins), int(day.ends))):
        cell = found[Key(*row[: len(KEY)])] = Cell()
        cell.add(row[len(KEY) :])
    return found


def _value(cell: Cell | None, name: str) -> object:
    return dict(zip(CELL, (cell or Cell()).to_row(), strict=True))[name]


def _told(connection: Connection, day: Day, res: int, found: list[_Difference]) -> str:
    first = found[0]
    series = connection.row("SELECT name FROM series WHERE id = ?", (first.key.series,))
    count = len({each.key for each in found})
    where = series[0] if series else f"the series {first.key.series}, which is none"
    what = _WORDS[first.name]
    return (
        f"{_moment(day.begins):%Y-%m-%d}: {count} {'sum' if count == 1 else 'sums'} of {res} s"
        f" {'differs' if count == 1 else 'differ'} from the rows, the first at {_moment(first.key.t):%H:%M} of {where}: "
        + (
            f"its {what} are others"
            if isinstance(first.in_rows, bytes)
            else f"{first.in_rows} {what} in the rows, and {first.in_rollup} in the rollup"
        )
    )


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
