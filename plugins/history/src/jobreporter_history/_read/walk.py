"""Walking the tables of executions, the newest first, for as long as there is time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from jobreporter_history._calendar import Table, ended_at
from jobreporter_history._engines.database import Connection, Row
from jobreporter_history._engines.trouble import Gone, OutOfTime
from jobreporter_history._read.names import Names
from jobreporter_history._read.plan import Condition, plan, select
from jobreporter_history._read.reaching import may_have
from jobreporter_history._read.rows import SELECTED, execution
from jobreporter_history._records.executions import Execution, Page
from jobreporter_history._records.terms import Terms
from jobreporter_history._schema import executions as schema

#: Seconds that a walk may take.
BUDGET = 0.4

# Ids: the first stretch of a table that is looked through is a quarter of an hour. The next is twice as long if that
# was quick, and half as long if it wasn't.
_FIRST = (900_000) << 20
_SHORTEST = 60_000 << 20
_QUICK, _SLOW = 0.03, 0.1


class Stretch(NamedTuple):
    """A span of ids, and the tables that have any of them."""

    lowest: int
    beyond: int
    tables: tuple[Table, ...]


class Walk:
    """One walk. before: where it begins; ``None``: at the newest."""

    def __init__(self, connection: Connection, names: Names, terms: Terms, before: int | None, budget: float) -> None:
        self._connection = connection
        self._names = names
        self._plan = plan(terms, names.all_series(connection), partial(names.first_seen, connection))
        self._tables = schema.of(connection)
        self._position = self._plan.beyond if before is None else min(before, self._plan.beyond)
        self._deadline = time.monotonic() + budget
        self._span = _FIRST
        #: Whether anything was looked through yet.
        self._moved = False

    def page(self, limit: int) -> Page:
        """The next executions, ``limit`` at most."""
        rows: list[Execution] = []
        try:
            for stretch in self._stretches():
                while self._position > stretch.lowest:
                    for found in self._next(stretch, limit + 1 - len(rows)):
                        rows.append(found)
                        if len(rows) > limit:
                            return Page(rows=tuple(rows[:limit]), before=rows[limit - 1].id)
        except OutOfTime:
            back = ended_at(self._position)
            return Page(rows=tuple(rows[:limit]), before=self._position, searched_back_to=back)
        return Page(rows=tuple(rows))

    def _stretches(self) -> Iterator[Stretch]:
        tables = [table for table in schema.existing(self._connection) if table.kind in self._plan.kinds]
        self._position = min(self._position, _beyond_newest(self._connection, tables))
        edges = sorted({edge for table in tables for edge in (table.lowest, table.beyond)}, reverse=True)
        for beyond, lowest in pairwise(edges):
            there = tuple(table for table in tables if table.lowest <= lowest and table.beyond >= beyond)
            if there and lowest < self._position and beyond > self._plan.lowest:
                self._position = min(self._position, beyond)
                if self._plan.longer and not may_have(self._connection, self._plan, lowest, beyond):
                    continue
                yield Stretch(max(lowest, self._plan.lowest), beyond, there)

    def _next(self, stretch: Stretch, limit: int) -> Iterator[Execution]:
        """What the next part of the stretch has, and the position is behind it."""
        lowest = stretch.lowest if self._plan.indexed else max(stretch.lowest, self._position - self._span)
        began = time.monotonic()
        try:
            with self._connection.within(self._deadline - began):
                rows = self._rows(stretch.tables, lowest, limit)
        except OutOfTime:
            if self._moved:
                raise
            # However slow it is, whoever goes on from here again and again has to get on.
            lowest = max(stretch.lowest, self._position - _SHORTEST)
            rows = self._rows(stretch.tables, lowest, limit)
        self._moved = True
        self._adjust(time.monotonic() - began)
        # If there may be more of them in this part, the rest of it is looked at again.
        beyond, self._position = self._position, rows[-1][0] if len(rows) >= limit else lowest
        for row in rows:
            found = execution(row, self._connection, self._names)
            if all(check(found) for check in self._plan.checks):
                yield found
        assert self._position < beyond or not rows  # noqa: S101 - otherwise it would never end

    def _rows(self, tables: tuple[Table, ...], lowest: int, limit: int) -> list[Row]:
        found: dict[int, Row] = {}
        strands: tuple[Condition | None, ...] = self._plan.strands or (None,)
        for table in tables:
            for strand in strands:
                span = (lowest, self._position)
                sql, parameters = select(SELECTED, table, self._plan, self._tables, strand=strand, span=span)
                try:
                    rows = self._connection.rows(sql, [*parameters, limit])
                except Gone:
                    continue
                found.update((row[0], row) for row in rows)
        return [found[number] for number in sorted(found, reverse=True)[:limit]]

    def _adjust(self, seconds: float) -> None:
        if seconds < _QUICK:
            self._span *= 2
        elif seconds > _SLOW:
            self._span = max(self._span // 2, _SHORTEST)


def _beyond_newest(connection: Connection, tables: list[Table]) -> int:
    """The id behind the newest one: a month that has only begun has nothing to be searched in its future."""
    newest = 0
    for kind in ("ok", "bad"):
        for table in [each for each in tables if each.kind == kind][-1:]:
            try:
                found = connection.row(f"SELECT max(id) FROM {table.name}")
            except Gone:
                found = None
            newest = max(newest, table.beyond if found is None or found[0] is None else found[0] + 1)
    return newest


def walk(
    connection: Connection, names: Names, terms: Terms, *, before: int | None, limit: int, budget: float = BUDGET
) -> Page:
    """A page of what a filter matches, the newest first."""
    return Walk(connection, names, terms, before, budget).page(limit)
