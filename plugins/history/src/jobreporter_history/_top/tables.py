"""Tables that fit: where it gets narrow, the columns go first that tell least."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len

from jobreporter_history._top.lines import GAP, Line, Part, Target, fit

#: Cells that the column which gives way keeps, if the others can be left out for it.
_LEAST = 24


class Column(NamedTuple):
    """A column. rank: the higher, the longer it stays; ``None``: it stays, and is as wide as there is room."""

    title: str
    rank: int | None = None
    right: bool = False
    #: Whether the end of a text tells more than its beginning.
    tail: bool = False


class Row(NamedTuple):
    """A row, and where it leads."""

    cells: Sequence[Part]
    target: Target | None = None


def table(columns: Sequence[Column], rows: Sequence[Row], width: int, *, titled: bool = True) -> list[Line]:
    """The rows as lines under the columns' titles. One column has no rank."""
    titles = [column.title if titled else "" for column in columns]
    widths = [
        max(cell_len(text) for text in (title, *(row.cells[number].text for row in rows)))
        for number, title in enumerate(titles)
    ]
    [widest] = [number for number, column in enumerate(columns) if column.rank is None]
    # A column in which no row has anything tells nothing.
    shown = [
        number for number in range(len(columns)) if number == widest or any(row.cells[number].text for row in rows)
    ]

    def room() -> int:
        return width - sum(widths[number] + GAP for number in shown if number != widest)

    wanted = min(widths[widest], max(_LEAST, width // 4))
    for number in sorted((each for each in shown if each != widest), key=lambda each: columns[each].rank or 0):
        if room() >= wanted:
            break
        shown.remove(number)
    widths[widest] = max(room(), 1)

    def line(cells: Sequence[Part], target: Target | None = None) -> Line:
        parts: list[Part] = []
        for number in shown:
            column, (text, style) = columns[number], cells[number]
            gap = " " * GAP if parts else ""
            parts.append(Part(gap + fit(text, widths[number], right=column.right, tail=column.tail), style))
        return Line(parts, target)

    head = [line([Part(title, "quiet") for title in titles])] if titled else []
    return [*head, *(line(row.cells, row.target) for row in rows)]
