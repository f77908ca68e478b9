"""Results as rows of a table: what was measured, both sides, their ratio, and what it was meant to be."""

from __future__ import annotations

from collections.abc import Iterator

from _row import Result, Unit

COLUMNS = {
    "what": 53,
    "ours": 8,
    "peer's": 8,
    "peer": 34,
    "ours / peer's": 26,
    "goal": 10,
    "reached": 7,
    "lost": 4,
}


def head() -> Iterator[str]:
    """The first two lines."""
    yield _line(list(COLUMNS))
    yield _line(["-" * width for width in COLUMNS.values()])


def line(result: Result) -> str:
    """A row of the table."""
    row = result.row
    what = f"{row.number}. {row.what}" if row.number else row.what
    low, median, high = map(as_ratio, result.ratio)
    goal = ""
    if row.goal is not None:
        more = "+" if row.judged == "more" else ""
        goal = f"<= {as_ratio(row.goal) if row.judged == 'ratio' else more + as_figure(row.goal, row.unit)}"
    reached = {None: "", True: "yes", False: "no"}[result.reached]
    figures = [as_figure(side[1], row.unit) for side in (result.ours, result.theirs)]
    return _line([what, *figures, row.peer, f"{median} ({low} to {high})", goal, reached, result.lost or ""])


def _line(cells: list[str]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, COLUMNS.values(), strict=True))
    return f"| {' | '.join(padded)} |"


def as_ratio(ratio: float) -> str:
    return f"{ratio:.3g}" if ratio > 0.7 else f"1/{1 / ratio:.3g}"


def as_figure(figure: float, unit: Unit = "ns") -> str:
    if unit == "bytes":
        return f"{figure:.3g} B" if figure < 1e6 else f"{figure / 1e6:.3g} MB"
    if figure < 999.5:
        return f"{figure:.3g} ns"
    if figure < 999.5e3:
        return f"{figure / 1e3:.3g} us"
    return f"{figure / 1e6:.3g} ms" if figure < 999.5e6 else f"{figure / 1e9:.3g} s"
