"""The cells of the rollups that a batch changes: read, made and written, all of them at a time.

Writers of one PostgreSQL hold each other up from the moment that one has locked cells until it is through. So there it
takes one statement for each of these, whatever the number of cells; SQLite has no way to the server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from jobreporter_history._engines.database import Connection, Row, Statement
from jobreporter_history._engines.sqlite import SqliteConnection
from jobreporter_history._rollups import CELL, KEY, Cell, Key

_NAMES = ", ".join((*KEY, *CELL))
_CELL = ", ".join(CELL)
_MARKS = ", ".join("?" * len(CELL))

# In PostgreSQL keys come as three arrays, and cells as some more.
_KEYS = f"unnest({', '.join(['?::bigint[]'] * len(KEY))})"
_ARRAYS = ["?::bytea[]" if name in {"dh", "wh"} else "?::bigint[]" for name in (*KEY, *CELL)]
_CELLS = f"unnest({', '.join(_ARRAYS)})"
_SAME = "(r.res, r.t, r.series) = (k.res, k.t, k.series)"


def known(connection: Connection, keys: Sequence[Key]) -> set[Key]:
    """Those of the cells that there are."""
    return _stored(connection, keys, "").keys() & set(keys)


def lock(connection: Connection, keys: Sequence[Key]) -> dict[Key, Row]:
    """Those of the cells that there are, with what is in them. Nobody else changes them until the transaction ends.

    keys: sorted. The cells are locked in this order.
    """
    return _stored(connection, keys, connection.words.for_update)


def make(connection: Connection, keys: Sequence[Key]) -> None:
    """Make cells with nothing in them, in this order, unless they are there."""
    if not keys:
        return
    empty = Cell().to_row()
    if isinstance(connection, SqliteConnection):
        sql = f"INSERT INTO rollup ({_NAMES}) VALUES (?, ?, ?, {_MARKS}) ON CONFLICT DO NOTHING"
        connection.run_many(sql, [(*key, *empty) for key in keys])
    else:
        sql = f"INSERT INTO rollup ({_NAMES}) SELECT k.*, {_MARKS} FROM {_KEYS} AS k ON CONFLICT DO NOTHING"
        connection.run(sql, (*empty, *_columns(keys)))


def written(connection: Connection, cells: Mapping[Key, Cell]) -> Iterator[Statement]:
    """What writes these cells, which were locked, in place of what is there; one with nothing in it goes."""
    rows = [(*key, *cell.to_row()) for key, cell in cells.items()]
    if isinstance(connection, SqliteConnection):
        changes = ", ".join(f"{name} = ?" for name in CELL)
        sql = f"UPDATE rollup SET {changes} WHERE res = ? AND t = ? AND series = ?"
        yield sql, [(*row[len(KEY) :], *row[: len(KEY)]) for row in rows]
    else:
        changes = ", ".join(f"k.{name}" for name in CELL)
        sql = f"UPDATE rollup AS r SET ({_CELL}) = ROW({changes}) FROM {_CELLS} AS k ({_NAMES}) WHERE {_SAME}"
        yield sql, [_columns(rows)]
    empty = [key for key, cell in cells.items() if cell.is_empty]
    yield "DELETE FROM rollup WHERE res = ? AND t = ? AND series = ?", empty


def _stored(connection: Connection, keys: Sequence[Key], for_update: str) -> dict[Key, Row]:
    """Those of the cells that there are, in their order."""
    if not isinstance(connection, SqliteConnection):
        columns = ", ".join(f"r.{name}" for name in (*KEY, *CELL))
        of_cells = f"{for_update} OF r" if for_update else ""
        sql = (
            f"SELECT {columns} FROM rollup r JOIN {_KEYS} AS k ({', '.join(KEY)}) ON {_SAME} ORDER BY 1, 2, 3{of_cells}"
        )
        rows = connection.rows(sql, _columns(keys))
        return {Key(*row[: len(KEY)]): row[len(KEY) :] for row in rows}
    found: dict[Key, Row] = {}
    for (res, t), group in groupby(keys, lambda key: key[:2]):
        condition = f"res = ? AND t = ? AND {connection.any_of('series')} ORDER BY series"
        sql = f"SELECT series, {_CELL} FROM rollup WHERE {condition}"
        for series, *row in connection.rows(sql, (res, t, connection.array([key.series for key in group]))):
            found[Key(res, t, series)] = tuple(row)
    return found


def _columns(rows: Sequence[Row]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
