"""What goes: entries that everybody has settled, and those beyond the bounds."""

from __future__ import annotations

import time
from typing import NamedTuple

from jobreporter.streams import Retention, Trimmed
from jobreporter.streams.sqlite._database import OFFSET_BITS, Database
from jobreporter.streams.sqlite._wall_clock import was_advanced

# Entries that one statement removes: one transaction of many megabytes would hold up those that append.
_STATEMENT = 500
# Seconds for which the numbers of a producer are kept that has left on purpose.
_AFTER_LEAVING = 3600.0
# Pages that are given back to the file system at once, and free pages that are kept, since the next events need them.
_PAGES = 2000
_KEPT = 4096


class _Oldest(NamedTuple):
    """An entry that may have to go."""

    at: float
    partition: int
    end: int
    bytes: int


class Trimming:
    """The part of a stream that removes. See `jobreporter.streams.Stream` for what it promises."""

    _database: Database

    def trim(self, retention: Retention, *, most: int = 1000) -> Trimmed:
        with self._database.writing():
            if was_advanced(self._database, max(retention.max_age, retention.forget_after)):
                retention = retention.without_age()
        removed = 0
        expired: dict[str, int] = {}
        more = True
        while more and removed < most:
            with self._database.writing():
                marks, count, more = self._marks(retention, min(_STATEMENT, most - removed))
                removed += count
                for partition, end in marks.items():
                    self._cut(partition, end, expired)
        with self._database.writing():
            self._forget(time.time(), retention)
        if self._database.value("PRAGMA freelist_count") > _KEPT + _PAGES:
            self._database.give_back(_PAGES)
        return Trimmed(entries=removed, expired=expired, more=more)

    def _marks(self, retention: Retention, most: int) -> tuple[dict[int, int], int, bool]:
        """The offset up to which each partition is cut, how many entries go, and whether more have to."""
        now = time.time()
        settled = dict(
            self._database.rows(
                "SELECT partition, min(position) FROM ledger JOIN reporter ON reporter.name = ledger.reporter"
                " WHERE seen_at >= ? GROUP BY partition",
                (now - retention.forget_after,),
            )
        )
        held, oldest = 0, []
        for partition, through in list(self._database.rows("SELECT partition, through FROM head")):
            first = self._first(partition, most + 1)
            oldest += first
            held += through - (through if not first else self._before(partition))
        marks: dict[int, int] = {}
        goes = 0
        for at, partition, end, size in sorted(oldest):
            is_settled = end <= settled.get(partition, 0)
            if not (is_settled or held > retention.max_bytes or at < now - retention.max_age):
                continue
            if goes == most:
                return marks, goes, True
            marks[partition] = max(end, marks.get(partition, 0))
            held -= size
            goes += 1
        return marks, goes, False

    def _first(self, partition: int, most: int) -> list[_Oldest]:
        base = partition << OFFSET_BITS
        found = self._database.rows(
            "SELECT at, id, events, length(data) FROM entry WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?",
            (base, base + (1 << OFFSET_BITS) - 1, most),
        )
        return [_Oldest(at, partition, number - base + events, size) for at, number, events, size in found]

    def _before(self, partition: int) -> int:
        """The bytes of what came before the oldest entry of a partition."""
        base = partition << OFFSET_BITS
        through, size = self._database.row(
            "SELECT through, length(data) FROM entry WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1",
            (base, base + (1 << OFFSET_BITS) - 1),
        ) or (0, 0)
        return int(through - size)

    def _cut(self, partition: int, end: int, expired: dict[str, int]) -> None:
        base = partition << OFFSET_BITS
        self._database.run("DELETE FROM entry WHERE id >= ? AND id < ?", (base, base + end))
        behind = self._database.rows(
            "SELECT reporter, position FROM ledger WHERE partition = ? AND position < ?", (partition, end)
        )
        for reporter, position in list(behind):
            expired[reporter] = expired.get(reporter, 0) + end - position
            self._database.run(
                "UPDATE ledger SET position = ?, expired = expired + ? WHERE reporter = ? AND partition = ?",
                (end, end - position, reporter, partition),
            )

    def _forget(self, now: float, retention: Retention) -> None:
        long_ago = now - retention.forget_after
        self._database.run("DELETE FROM lost_execution WHERE at < ?", (long_ago,))
        self._database.run("DELETE FROM beat WHERE at < ?", (long_ago,))
        # An idle producer that lives goes on with its numbers whenever it has something to say.
        self._database.run(
            "DELETE FROM producer WHERE ((has_left AND at < ?) OR at < ?) AND producer NOT IN (SELECT process FROM beat)",
            (now - _AFTER_LEAVING, long_ago),
        )
