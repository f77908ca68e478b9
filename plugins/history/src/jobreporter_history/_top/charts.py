"""Charts out of block characters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from jobreporter_history._top.lines import Line, Part, Style, cut
from jobreporter_history.store import Figures, Point

_BLOCKS = " ▁▂▃▄▅▆▇█"
_FULL = len(_BLOCKS) - 1


def steps(
    points: Iterable[Point], since: float, until: float, step: float, value: Callable[[Figures], float]
) -> list[float]:
    """A value of each step of a range, nothing where nothing ended."""
    values = [0.0] * max(round((until - since) / step), 1)
    for point in points:
        number = int((point.at - since) // step)
        if 0 <= number < len(values):
            values[number] = value(point.figures)
    return values


def spark(values: Sequence[float], width: int) -> str:
    """The values in one line, on a scale of their own; several together where there are more than cells."""
    return "".join(_bars(_stretched(values, width), 1)[0])


def chart(values: Sequence[float], width: int, height: int, style: Style, top: str) -> list[Line]:
    """The values as bars of so many lines, all across. top: what the highest is, to stand beside it."""
    label = f" {top}"
    room = max(width - len(label), 1)
    return [
        Line([Part("".join(row), style), Part(cut(label, width - room) if not number else "", "quiet")])
        for number, row in enumerate(_bars(_stretched(values, room), height))
    ]


def _stretched(values: Sequence[float], width: int) -> list[float]:
    """A value for each cell. A bar has as many cells as there is room for, and one more here and there."""
    bars = _within(values, width)
    return [bars[cell * len(bars) // width] for cell in range(width)]


def _within(values: Sequence[float], width: int) -> list[float]:
    """Neighbours added up until there are no more than so many. The last sum is of as many as the others."""
    together = -(-len(values) // max(width, 1))
    ends = range(len(values), 0, -together)
    return [sum(values[max(end - together, 0) : end]) for end in ends][::-1]


def _bars(values: Sequence[float], height: int) -> list[list[str]]:
    highest = max(values, default=0.0)
    # What is there is seen, however little it is.
    levels = [max(round(value / highest * _FULL * height), 1) if value > 0 else 0 for value in values]
    return [[_BLOCKS[min(max(level - row * _FULL, 0), _FULL)] for level in levels] for row in reversed(range(height))]
