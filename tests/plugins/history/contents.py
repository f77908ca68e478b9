"""Everything that a store says, with names in place of numbers: two stores that say the same are equal."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from jobreporter_history._calendar import ended_at
from jobreporter_history._engines.database import Connection
from jobreporter_history._histogram import Histogram
from jobreporter_history._open import open_database
from jobreporter_history._rollups import CELL, Cell, Key, keys
from jobreporter_history._rows.columns import COLUMNS, LIVE
from jobreporter_history._schema import executions as schema


def contents(url: str) -> dict[str, Any]:
    """What is in the store."""
    database = open_database(url)
    with database.reading() as connection:
        found = {
            "executions": sorted(map(repr, executions(connection))),
            "live": sorted(map(repr, live(connection))),
            "rollups": sorted(map(repr, rollups(connection))),
            "incidents": sorted(map(repr, incidents(connection))),
            "words": sorted(map(repr, words(connection))),
        }
    database.close()
    return found


def executions(connection: Connection) -> list[dict[str, Any]]:
    """Every execution that has ended."""
    found = []
    for table in schema.existing(connection):
        for row in connection.rows(f"SELECT {', '.join(COLUMNS)} FROM {table.name}"):
            each = named(connection, dict(zip(COLUMNS, row, strict=True)))
            each["table"], each["ended_at"] = table.name, ended_at(each.pop("id"))
            found.append(each)
    return found


def live(connection: Connection) -> list[dict[str, Any]]:
    """Every execution that runs."""
    rows = connection.rows(f"SELECT {', '.join(LIVE)} FROM live")
    return [named(connection, dict(zip(LIVE, row, strict=True))) for row in rows]


def named(connection: Connection, row: dict[str, Any]) -> dict[str, Any]:
    """A row with the names of what it refers to."""
    for column, table, name in (
        ("series", "series", "name, queue, source, service, environment"),
        ("release", "release", "service, environment, name"),
        ("incident", "incident", "fingerprint"),
    ):
        if row.get(column) is not None:
            [row[column]] = connection.rows(f"SELECT {name} FROM {table} WHERE id = ?", (row[column],))
    return row


def rollups(connection: Connection) -> list[tuple[Any, ...]]:
    """Every cell, with what is in its histograms."""
    found = []
    for res, t, series, *cell in connection.rows(f"SELECT res, t, series, {', '.join(CELL)} FROM rollup"):
        values = [
            sorted(Histogram.decode(value).counts.items()) if name in {"dh", "wh"} else value
            for name, value in zip(CELL, cell, strict=True)
        ]
        [name] = connection.rows("SELECT service, environment, source, queue, name FROM series WHERE id = ?", (series,))
        found.append((res, t, name, *values))
    return found


def incidents(connection: Connection) -> list[tuple[Any, ...]]:
    """Every incident that has failed, with its cells."""
    found = []
    sums = "id, fingerprint, parts, kind, type, failed, final, first_seen, last_fail, last_final"
    for number, *rest in connection.rows(f"SELECT {sums} FROM incident WHERE failed > 0"):
        cells = connection.rows("SELECT t, failed, final FROM incident_cell WHERE incident = ? ORDER BY t", (number,))
        found.append((*rest, tuple(cells)))
    return found


def words(connection: Connection) -> list[tuple[Any, ...]]:
    """Which executions are found by which word."""
    from jobreporter_history._rows.words import phrase_of

    dialect = schema.of(connection)
    found = []
    for table in schema.existing(connection):
        for word in ("charge", "acme", "funds", "lost", "globex"):
            origin, condition, parameters = dialect.source(table, [phrase_of(word)])
            rows = connection.rows(f"SELECT x.execution_id FROM {origin} WHERE {condition}", parameters)
            found += [(table.name, word, *row) for row in rows]
    return found


def rows_equal_rollups(url: str, since: float = 0, shortest: int = 60) -> int:
    """Assert that the rollups are what the rows add up to, at every length of cells. Returns how many rows there are.

    since: from when on every row is kept. shortest: seconds of the shortest cells that are still there.
    """
    database = open_database(url)
    with database.reading() as connection:
        expected: dict[Key, Cell] = {}
        ids: Counter[str] = Counter()
        for table in schema.existing(connection):
            for row in connection.rows(f"SELECT {', '.join(COLUMNS)} FROM {table.name}"):
                each = dict(zip(COLUMNS, row, strict=True))
                ids[each["execution_id"]] += 1
                for key in keys(each["series"], ended_at(each["id"])):
                    if key.res < shortest or key.t < since:
                        continue
                    expected.setdefault(key, Cell()).count(
                        each["outcome"],
                        final=bool(each["final"]),
                        retried=each["will_retry"] == 1,
                        duration=each["duration"],
                        wait=each["queue_wait"],
                    )
        stored = {
            Key(res, t, series): cell
            for res, t, series, *cell in connection.rows(f"SELECT res, t, series, {', '.join(CELL)} FROM rollup")
            if t >= since and res >= shortest
        }
        assert {key: cell.to_row() for key, cell in expected.items()} == {
            key: tuple(bytes(value) if isinstance(value, memoryview) else value for value in cell)
            for key, cell in stored.items()
        }
        failures = {
            number: (failed, json.loads(parts))
            for number, failed, parts in connection.rows("SELECT id, failed, parts FROM incident WHERE failed > 0")
        }
        counted: Counter[int] = Counter()
        for table in schema.existing(connection):
            sql = f"SELECT incident, count(*) FROM {table.name} WHERE incident IS NOT NULL GROUP BY incident"
            counted.update(dict(connection.rows(sql)))
        if not since:
            assert {number: failed for number, (failed, _) in failures.items()} == dict(counted)
    database.close()
    assert max(ids.values(), default=1) == 1
    return len(ids)
