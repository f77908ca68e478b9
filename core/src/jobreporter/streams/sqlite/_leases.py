"""Who may hand events to a reporter.

A lease is good until its deadline on the machine's own clock. One whose deadline is further away than a lease can be,
or that was taken in another life of the machine, is void: no clock that was set can keep a dead owner's lease alive.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from jobreporter.streams import Lease, _machine
from jobreporter.streams.sqlite._database import Database

# Seconds. No lease is longer.
_LONGEST = 600.0


class Leases:
    """The part of a stream that gives leases. See `jobreporter.streams.Stream` for what each method promises."""

    _database: Database

    def acquire(self, reporter: str, partition: int, owner: bytes, seconds: float) -> Lease | None:
        with self._database.writing():
            position = self._position(reporter, partition)
            if position is None:
                raise ValueError(f"there is no reporter {reporter!r}")
            found = self._database.row(
                "SELECT fence, owner, boot, deadline FROM lease WHERE name = ? AND partition = ?", (reporter, partition)
            )
            fence = 0
            if found is not None:
                fence, holder, boot, deadline = found
                if holder == owner:
                    fence -= 1  # it stays the same owner
                elif holder is not None and _counts(boot, deadline):
                    return None
            lease = Lease(reporter=reporter, partition=partition, owner=owner, fence=fence + 1, position=position)
            self._write(lease, seconds)
        return lease

    def renew(self, leases: Sequence[Lease], seconds: float) -> tuple[bool, ...]:
        with self._database.writing():
            held = tuple(map(self._is_held, leases))
            for lease, still in zip(leases, held, strict=True):
                if still:
                    self._write(lease, seconds)
            self._database.run_many(
                "UPDATE reporter SET seen_at = ? WHERE name = ?",
                [(time.time(), name) for name in {lease.reporter for lease in leases}],
            )
        return held

    def release(self, lease: Lease) -> None:
        with self._database.writing():
            if self._is_held(lease):
                self._database.run(
                    "UPDATE lease SET owner = NULL WHERE name = ? AND partition = ?", (lease.reporter, lease.partition)
                )

    def _position(self, reporter: str, partition: int) -> int | None:
        """Where a reporter stands; 0 for a name that begins with a dot, which is none's; ``None`` if it is not known."""
        if reporter.startswith("."):
            return 0
        position: int | None = self._database.value(
            "SELECT position FROM ledger WHERE reporter = ? AND partition = ?", (reporter, partition)
        )
        return position

    def _is_held(self, lease: Lease) -> bool:
        found = self._database.row(
            "SELECT fence, owner FROM lease WHERE name = ? AND partition = ?", (lease.reporter, lease.partition)
        )
        return found == (lease.fence, lease.owner)

    def _is_run(self, reporter: str) -> bool:
        """Whether somebody holds a lease of a reporter."""
        found = self._database.rows(
            "SELECT boot, deadline FROM lease WHERE name = ? AND owner IS NOT NULL", (reporter,)
        )
        return any(_counts(boot, deadline) for boot, deadline in list(found))

    def _write(self, lease: Lease, seconds: float) -> None:
        boot, now = _machine.now()
        self._database.run(
            "INSERT OR REPLACE INTO lease VALUES (?, ?, ?, ?, ?, ?)",
            (lease.reporter, lease.partition, lease.fence, lease.owner, boot, now + min(seconds, _LONGEST)),
        )


def _counts(boot: str, deadline: float) -> bool:
    now = _machine.now()
    return boot == now.boot and now.seconds < deadline <= now.seconds + _LONGEST
