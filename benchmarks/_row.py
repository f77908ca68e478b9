"""One row of the race: what is measured beside whom, what was hoped for, and what came out."""

from __future__ import annotations

from typing import Literal

import msgspec
from _rounds import Comparison

Unit = Literal["ns", "bytes"]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured.

    number: of the goal that it is about, empty where none was set. goal: what ``judged`` should be at most: our share of
    the peer's figure, our own figure, or what ours is more than the peer's. drawn: whether the chart has it, which is for
    what is compared with others' work.
    """

    number: str = ""
    what: str
    peer: str
    goal: float | None = None
    judged: Literal["ratio", "ours", "more"] = "ratio"
    unit: Unit = "ns"
    drawn: bool = True


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came out. lost: what consumers did not get of what was sent, ``None`` where nothing is sent."""

    row: Row
    ours: tuple[float, float, float]
    theirs: tuple[float, float, float]
    ratio: tuple[float, float, float]
    lost: str | None = None

    @property
    def reached(self) -> bool | None:
        """Whether the median reached the goal; ``None`` where there is none."""
        judged = {"ratio": self.ratio[1], "ours": self.ours[1], "more": self.ours[1] - self.theirs[1]}
        return None if self.row.goal is None else judged[self.row.judged] <= self.row.goal


def result(row: Row, comparison: Comparison, lost: str | None = None) -> Result:
    return Result(row=row, ours=comparison.ours, theirs=comparison.peer, ratio=comparison.ratio, lost=lost)
