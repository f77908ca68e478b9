"""Rollups: what executions add up to, in cells of four lengths of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from jobreporter_history._calendar import DAY
from jobreporter_history._engines.database import Row
from jobreporter_history._histogram import Histogram, add_stored, bucket_of
from jobreporter_history._records.figures import Figures

#: The lengths of cells in seconds, and for how long they are kept; ``None``: for ever.
RESOLUTIONS: dict[int, float | None] = {60: 6 * 3600.0, 600: 7 * DAY, 3600: 90 * DAY, 86_400: None}

_MICRO = 1_000_000

#: The columns of a cell, behind its key.
CELL = ("ok", "aborted", "failed", "final", "retried", "dsum", "dh", "wsum", "wh")
KEY = ("res", "t", "series")


class Key(NamedTuple):
    """Which cell it is."""

    res: int
    #: Where it begins (Unix seconds).
    t: int
    series: int


class Cell:
    """What has ended in it, or how much more or less than before."""

    __slots__ = ("aborted", "dsum", "durations", "failed", "final", "ok", "retried", "waits", "wsum")

    def __init__(self) -> None:
        self.ok = self.aborted = self.failed = self.final = self.retried = 0
        self.dsum = self.wsum = 0
        self.durations: dict[int, int] = {}
        self.waits: dict[int, int] = {}

    def count(
        self, outcome: str, *, final: bool, retried: bool, duration: float | None, wait: float | None, by: int = 1
    ) -> None:
        """Count one execution. by: 1, or -1 to take it out again."""
        self.ok += by * (outcome == "success")
        self.aborted += by * (outcome == "aborted")
        self.failed += by * (outcome == "failure")
        self.final += by * final
        self.retried += by * retried
        # Whole microseconds: to add up in another order makes no difference to them.
        if duration is not None:
            self.dsum += by * round(max(duration, 0.0) * _MICRO)
            _add(self.durations, bucket_of(duration), by)
        if wait is not None:
            self.wsum += by * round(max(wait, 0.0) * _MICRO)
            _add(self.waits, bucket_of(wait), by)

    def add(self, row: Row) -> None:
        """Add a stored cell, given its columns."""
        ok, aborted, failed, final, retried, dsum, dh, wsum, wh = row
        self.ok += ok
        self.aborted += aborted
        self.failed += failed
        self.final += final
        self.retried += retried
        self.dsum += dsum
        self.wsum += wsum
        add_stored(self.durations, dh)
        add_stored(self.waits, wh)

    def add_cell(self, other: Cell) -> None:
        """Add another cell."""
        for name in ("ok", "aborted", "failed", "final", "retried", "dsum", "wsum"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for counts, more in ((self.durations, other.durations), (self.waits, other.waits)):
            for bucket, count in more.items():
                _add(counts, bucket, count)

    def to_row(self) -> Row:
        """As it is stored."""
        durations, waits = Histogram(self.durations).encode(), Histogram(self.waits).encode()
        return (
            self.ok,
            self.aborted,
            self.failed,
            self.final,
            self.retried,
            self.dsum,
            durations,
            self.wsum,
            waits,
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing is counted in it."""
        return not (self.ok or self.aborted or self.failed)

    def figures(self) -> Figures:
        """For readers."""
        return Figures(
            succeeded=self.ok,
            aborted=self.aborted,
            failed=self.failed,
            final=self.final,
            retried=self.retried,
            duration_sum=self.dsum / _MICRO,
            durations=Histogram(dict(self.durations)),
            wait_sum=self.wsum / _MICRO,
            waits=Histogram(dict(self.waits)),
        )


def keys(series: int, at: float) -> Iterator[Key]:
    """The cells that count what ended then."""
    for res in RESOLUTIONS:
        yield Key(res, int(at // res) * res, series)


def total(rows: Iterable[Row]) -> Cell:
    """Stored cells added up."""
    cell = Cell()
    for row in rows:
        cell.add(row)
    return cell


def _add(counts: dict[int, int], bucket: int, by: int) -> None:
    count = counts.get(bucket, 0) + by
    if count:
        counts[bucket] = count
    else:
        counts.pop(bucket, None)
