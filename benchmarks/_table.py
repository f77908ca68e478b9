"""The figures as rows of a table: what was measured, both sides, their ratio, and what it was meant to be."""

from __future__ import annotations

import os
import platform
from typing import NamedTuple

from _rounds import Comparison, Spread
from _subject import Subject

COLUMNS = {
    "what, for each event": 42,
    "ours": 7,
    "peer's": 7,
    "peer": 31,
    "ours / peer's": 26,
    "goal": 8,
    "reached": 7,
    "lost": 4,
}


class Row(NamedTuple):
    """goal: what the ratio should be at most, ``None`` where none was set. ours, theirs: whose consumers counted, if any."""

    what: str
    peer: str
    comparison: Comparison
    goal: float | None
    ours: Subject | None = None
    theirs: Subject | None = None


def print_head() -> None:
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores\n")
    _print_cells(list(COLUMNS))
    _print_cells(["-" * width for width in COLUMNS.values()])


def print_row(row: Row) -> None:
    ours, peer, ratio = row.comparison
    reached = "" if row.goal is None else "yes" if ratio.median <= row.goal else "no"
    goal = "" if row.goal is None else f"<= {_ratio(row.goal)}"
    figures = [_time(ours.median), _time(peer.median), row.peer, _spread(ratio)]
    _print_cells([row.what, *figures, goal, reached, _lost(row)])


def _lost(row: Row) -> str:
    """What consumers did not get of what was sent for this row."""
    told = []
    for side, subject in (("ours", row.ours), ("peer's", row.theirs)):
        if subject is not None:
            sent, lost = subject.account()
            if lost:
                told.append(f"{side}: {lost:,} of {sent:,}")
    return "; ".join(told) or ("none" if row.ours is not None else "")


def _print_cells(cells: list[str]) -> None:
    padded = (cell.ljust(width) for cell, width in zip(cells, COLUMNS.values(), strict=True))
    print("|", " | ".join(padded), "|", flush=True)


def _spread(ratio: Spread) -> str:
    return f"{_ratio(ratio.median)} ({_ratio(ratio.low)} to {_ratio(ratio.high)})"


def _ratio(ratio: float) -> str:
    return f"{ratio:.3g}" if ratio > 0.7 else f"1/{1 / ratio:.3g}"


def print_note(what: str, nanoseconds: float) -> None:
    print(f"\n{what}: {_time(nanoseconds)}.")


def _time(nanoseconds: float) -> str:
    if nanoseconds < 999.5:
        return f"{nanoseconds:.3g} ns"
    if nanoseconds < 999.5e3:
        return f"{nanoseconds / 1e3:.3g} us"
    return f"{nanoseconds / 1e6:.3g} ms"
