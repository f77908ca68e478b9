"""Where each reporter stands, and what became of its events."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Literal

from jobreporter.streams import DeadLetter, Lease, Ledger, Settled, Settlement
from jobreporter.streams.sqlite._database import OFFSET_BITS
from jobreporter.streams.sqlite._leases import Leases


class Settling(Leases):
    """The part of a stream that keeps the ledgers. See `jobreporter.streams.Stream` for what each method promises."""

    def register(self, reporters: Mapping[str, Literal["now", "oldest"]]) -> None:
        with self._database.writing():
            known = {name for (name,) in self._database.rows("SELECT name FROM reporter")}
            for name, start in reporters.items():
                if name not in known:
                    self._begin(name, "oldest" if not known else start)
                self._database.run("INSERT OR REPLACE INTO reporter VALUES (?, ?)", (name, time.time()))

    def settle(self, lease: Lease, settlement: Settlement) -> Settled:
        with self._database.writing():
            if not self._is_held(lease):
                return "fenced"
            if self._position(lease.reporter, lease.partition) != settlement.begin:
                return "moved"
            base = lease.partition << OFFSET_BITS
            key = self._database.value(
                "SELECT key FROM (SELECT key, id + events AS after FROM entry WHERE id BETWEEN ? AND ?"
                " ORDER BY id DESC LIMIT 1) WHERE after >= ?",
                (base, base + settlement.end - 1, base + settlement.end),
            )
            if str(key) != settlement.last_key:
                return "gone"
            dead = sum(letter.events for letter in settlement.dead)
            self._database.run(
                "UPDATE ledger SET position = ?, handled = handled + ?, filtered = filtered + ?, unknown = unknown + ?,"
                " dead = dead + ? WHERE reporter = ? AND partition = ?",
                (
                    settlement.end,
                    settlement.handled,
                    settlement.filtered,
                    settlement.unknown,
                    dead,
                    lease.reporter,
                    lease.partition,
                ),
            )
            self._keep(lease.reporter, settlement.dead)
        return "settled"

    def ledgers(self) -> Sequence[Ledger]:
        found = self._database.rows(
            "SELECT reporter, partition, start, position, head.offset, handled, dead, filtered, expired, unknown,"
            " seen_at FROM ledger JOIN head USING (partition) JOIN reporter ON reporter.name = ledger.reporter"
            " ORDER BY reporter, partition"
        )
        return [self._ledger(*row) for row in list(found)]

    def _ledger(self, reporter: str, partition: int, start: int, position: int, head: int, *counts: int) -> Ledger:
        handled, dead, filtered, expired, unknown, seen_at = counts
        base = partition << OFFSET_BITS
        oldest_at = self._database.value(
            "SELECT at FROM entry WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1", (base, base + position)
        )
        return Ledger(
            reporter=reporter,
            partition=partition,
            start=start,
            position=position,
            head=head,
            handled=handled,
            dead=dead,
            filtered=filtered,
            expired=expired,
            unknown=unknown,
            oldest_at=oldest_at if position < head else None,
            seen_at=seen_at,
        )

    def dead_letters(self, reporter: str | None = None) -> Sequence[DeadLetter]:
        found = self._database.rows(
            "SELECT reporter, partition, offset, at, reason, data, events FROM dead_letter"
            " WHERE ? IS NULL OR reporter = ? ORDER BY at, partition, offset",
            (reporter, reporter),
        )
        return [
            DeadLetter(
                reporter=name, partition=partition, offset=offset, at=at, reason=reason, data=data, events=events
            )
            for name, partition, offset, at, reason, data, events in found
        ]

    def drop_letter(self, letter: DeadLetter) -> bool:
        with self._database.writing():
            return bool(
                self._database.run(
                    "DELETE FROM dead_letter WHERE reporter = ? AND partition = ? AND offset = ?",
                    (letter.reporter, letter.partition, letter.offset),
                )
            )

    def forget(self, reporter: str) -> bool:
        with self._database.writing():
            self._refuse_unknown(reporter)
            if self._is_run(reporter):
                return False
            self._database.run("DELETE FROM reporter WHERE name = ?", (reporter,))
            self._database.run("DELETE FROM ledger WHERE reporter = ?", (reporter,))
            self._database.run("DELETE FROM dead_letter WHERE reporter = ?", (reporter,))
            self._database.run("UPDATE lease SET owner = NULL, fence = fence + 1 WHERE name = ?", (reporter,))
        return True

    def rewind(self, reporter: str, to: float | None) -> bool:
        with self._database.writing():
            self._refuse_unknown(reporter)
            if self._is_run(reporter):
                return False
            self._begin(reporter, "oldest" if to is None else to)
            # Who still has a window of before can't settle it.
            self._database.run("UPDATE lease SET owner = NULL, fence = fence + 1 WHERE name = ?", (reporter,))
        return True

    def _begin(self, reporter: str, start: Literal["now", "oldest"] | float) -> None:
        heads = list(self._database.rows("SELECT partition, offset FROM head"))
        for partition, head in heads:
            position = head
            if start != "now":
                base = partition << OFFSET_BITS
                first = self._database.value(
                    "SELECT id FROM entry WHERE id BETWEEN ? AND ? AND at >= ? ORDER BY id LIMIT 1",
                    (base, base + head, 0.0 if start == "oldest" else start),
                )
                position = head if first is None else first - base
            self._database.run(
                "INSERT OR REPLACE INTO ledger (reporter, partition, start, position) VALUES (?, ?, ?, ?)",
                (reporter, partition, position, position),
            )

    def _keep(self, reporter: str, letters: Sequence[DeadLetter]) -> None:
        if not letters:
            return
        self._database.run_many(
            "INSERT OR REPLACE INTO dead_letter VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(reporter, each.partition, each.offset, each.at, each.reason, each.events, each.data) for each in letters],
        )
        settings = self._database.settings
        self._database.run(
            "DELETE FROM dead_letter WHERE rowid IN (SELECT rowid FROM"
            " (SELECT rowid, row_number() OVER newest AS number, sum(length(data)) OVER newest AS bytes FROM dead_letter"
            " WHERE reporter = ? WINDOW newest AS (ORDER BY at DESC, rowid DESC ROWS UNBOUNDED PRECEDING))"
            " WHERE number > ? OR (bytes > ? AND number > 1))",
            (reporter, settings.most_letters, settings.most_letter_bytes),
        )

    def _refuse_unknown(self, reporter: str) -> None:
        if self._database.value("SELECT 1 FROM reporter WHERE name = ?", (reporter,)) is None:
            raise ValueError(f"there is no reporter {reporter!r}")
