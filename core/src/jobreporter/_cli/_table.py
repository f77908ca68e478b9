"""Text in columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jobreporter.text import one_line

_WIDEST = 500


def table(rows: Iterable[Sequence[str]], *, indent: int = 0) -> str:
    """The rows with their columns aligned, one line each, whatever their cells hold. The last column may be long."""
    cells = [[one_line(cell, _WIDEST) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(" " * indent + line.rstrip() for line in lines)
