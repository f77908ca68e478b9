"""Merging a batch into the tables. Neither its order nor its repetition makes a difference.

An execution that has started is in ``live``; one that has ended is in the table of the day or month of its end. Of
several ends that are told, the best counts (`_rows.events.order`); rollups and incidents are moved for rows that really
come or go, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jobreporter_history._calendar import DAY, NEXT, Table, ended_at, id_of, table_of
from jobreporter_history._engines.database import Connection, Row
from jobreporter_history._rows.columns import COLUMNS, FACTS, LIVE, PLACED
from jobreporter_history._rows.data import decode
from jobreporter_history._rows.events import Begun, Ended, in_other, order
from jobreporter_history._rows.words import Words
from jobreporter_history._schema import executions as schema
from jobreporter_history._write import live
from jobreporter_history._write.batch import Batch
from jobreporter_history._write.dictionary import Dictionary
from jobreporter_history._write.sums import Sums
from jobreporter_history._write.taken_out import words_of_row

_SELECTED = ", ".join(COLUMNS)
_STARTED_AT = COLUMNS.index("started_at")


class Stored(NamedTuple):
    """An execution that has ended, as it is stored."""

    table: Table
    row: Row

    @property
    def id(self) -> int:
        """Its key."""
        number: int = self.row[0]
        return number

    @property
    def facts(self) -> Row:
        """What its event said."""
        return self.row[len(PLACED) :]


class Placement(NamedTuple):
    """A new row, before it has its id."""

    ended: Ended
    started_at: float | None


class Merge:
    """One batch in one transaction. dictionary: has learnt it."""

    def __init__(self, connection: Connection, dictionary: Dictionary) -> None:
        self._connection = connection
        self._dictionary = dictionary
        self._executions = schema.of(connection)
        self._tables = schema.existing(connection)
        self._sums = Sums(connection, self._tables)

    def merge(self, batch: Batch) -> None:
        """Write it. Raises `Gone` or `Clash` where another process has changed something; then it can be repeated."""
        running = live.take(self._connection, [execution_id for execution_id, _ in batch])
        stored = self._find(batch)
        new: list[Placement] = []
        starting: list[Begun] = []
        ended: list[str] = []
        for execution_id, told in batch:
            before, there = running.get(execution_id), stored.get(execution_id)
            if told.ended is None and there is None:
                begun = told.begun
                if begun is not None and (before is None or begun.order < before.order):
                    starting.append(begun)
                continue
            ended.append(execution_id)
            started_at = _earliest(told.begun, before, there)
            if told.ended is not None and (there is None or self._beats(told.ended, there)):
                if there is not None:
                    self._take_out(there)
                new.append(Placement(told.ended, started_at))
            elif there is not None and started_at != there.row[_STARTED_AT]:
                sql = f"UPDATE {there.table.name} SET started_at = ? WHERE id = ?"
                self._connection.run(sql, (started_at, there.id))
        self._put(new)
        live.put(self._connection, [self._live_row(begun) for begun in starting])
        live.remove(self._connection, ended)
        live.release(self._connection, batch, ended, starting)
        self._sums.write()

    def _find(self, batch: Batch) -> dict[str, Stored]:
        """Those that have ended already, as was told before.

        An execution can't have ended before it began, so the tables from the day before its start on are looked into:
        mostly two days and a month.
        """
        found: dict[str, Stored] = {}
        since = [(told.since - DAY, execution_id) for execution_id, told in batch]
        for table in self._tables:
            ids = [execution_id for earliest, execution_id in since if table.ends > earliest]
            if ids:
                sql = f"SELECT {_SELECTED} FROM {table.name} WHERE {self._connection.any_of('execution_id')}"
                for row in self._connection.rows(sql, (self._connection.array(ids),)):
                    found[row[1]] = Stored(table, row)
        return found

    def _put(self, placements: Sequence[Placement]) -> None:
        by_table: dict[Table, list[Placement]] = {}
        for placement in placements:
            table = table_of(placement.ended.kind, placement.ended.at)
            by_table.setdefault(table, []).append(placement)
        for table in sorted(by_table):
            rows = self._with_ids(table, by_table[table])
            self._executions.put(self._connection, table, rows)

    def _with_ids(self, table: Table, placements: Sequence[Placement]) -> list[tuple[Row, Words]]:
        ids = [id_of(table.kind, each.ended.at, each.ended.execution_id) for each in placements]
        sql = f"SELECT id FROM {table.name} WHERE {self._connection.any_of('id')}"
        taken = {number for (number,) in self._connection.rows(sql, (self._connection.array(ids),))}
        rows = []
        for wanted, (ended, started_at) in zip(ids, placements, strict=True):
            number = self._free(table, wanted + NEXT, taken) if wanted in taken else wanted
            taken.add(number)
            row = self._row(number, ended, started_at)
            self._sums.count(dict(zip(COLUMNS, row, strict=True)), ended.at, 1)
            rows.append((row, ended.words))
        return rows

    def _free(self, table: Table, number: int, taken: set[int]) -> int:
        while number in taken or self._connection.row(f"SELECT 1 FROM {table.name} WHERE id = ?", (number,)):
            number += NEXT
        return number

    def _row(self, number: int, ended: Ended, started_at: float | None) -> Row:
        dictionary = self._dictionary
        series = dictionary.series(ended.series)
        release, incident = dictionary.release(ended.release), dictionary.incident(ended.incident)
        return (number, ended.execution_id, series, release, incident, started_at, *self._facts(ended))

    def _facts(self, told: Begun | Ended) -> Row:
        """As they are stored: what is counted in the series for all that are too many has its names in the row."""
        if self._dictionary.is_other(self._dictionary.series(told.series)):
            return (*told.facts[:-1], in_other(decode(told.facts[-1]), told.series))
        return told.facts

    def _beats(self, ended: Ended, stored: Stored) -> bool:
        return order(self._facts(ended), ended.at) < order(stored.facts, ended_at(stored.id))

    def _take_out(self, stored: Stored) -> None:
        row = dict(zip(COLUMNS, stored.row, strict=True))
        self._executions.remove(self._connection, stored.table, stored.id, words_of_row(self._connection, row))
        self._sums.count(row, ended_at(stored.id), -1)

    def _live_row(self, begun: Begun) -> Row:
        series, release = self._dictionary.series(begun.series), self._dictionary.release(begun.release)
        return (begun.execution_id, series, release, begun.at, *self._facts(begun))


def _earliest(*known: Begun | live.Live | Stored | None) -> float | None:
    starts = [each.row[_STARTED_AT] if isinstance(each, Stored) else each.at for each in known if each is not None]
    return min((start for start in starts if start is not None), default=None)


assert COLUMNS[len(PLACED) :] == FACTS  # noqa: S101 - the slices above take it for granted
assert LIVE[0] == "execution_id"  # noqa: S101 - as above
