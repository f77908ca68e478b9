"""The ratios as a chart: a bar a row from the peer's figure to ours, and a mark where the goal is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from math import log2

from _row import Result
from _table import as_ratio

WIDTH, LABELS, FIGURES, HEIGHT, TOP = 960, 430, 80, 20, 44
# Powers of two: the peer's figure is 1, and what is left of it is less.
LEFT, RIGHT = -8, 4
_SCALE = (WIDTH - LABELS - FIGURES) / (RIGHT - LEFT)


def chart(results: Iterable[Result]) -> str:
    """As SVG."""
    shown = [result for result in results if result.row.drawn]
    height = TOP + HEIGHT * len(shown) + 8
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        *_axis(height),
    ]
    for number, result in enumerate(shown):
        lines += _bar(result, TOP + HEIGHT * number)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _axis(height: int) -> Iterator[str]:
    yield f'<text x="{LABELS}" y="14" fill="#555">ours / peer\'s, each step four times as much; the black mark is the goal</text>'
    for power in range(LEFT, RIGHT + 1, 2):
        x = _x(2.0**power)
        colour = "#888" if power == 0 else "#ddd"
        yield f'<line x1="{x}" x2="{x}" y1="{TOP - 8}" y2="{height - 4}" stroke="{colour}"/>'
        yield f'<text x="{x}" y="{TOP - 12}" text-anchor="middle" fill="#555">{as_ratio(2.0**power)}</text>'


def _bar(result: Result, y: int) -> Iterator[str]:
    row, ratio = result.row, result.ratio[1]
    what = f"{row.number}. {row.what}" if row.number else row.what
    colour = {None: "#8aa", True: "#4a8", False: "#d84"}[result.reached]
    left, right = sorted((_x(1.0), _x(ratio)))
    yield f'<text x="{LABELS - 8}" y="{y + 12}" text-anchor="end">{escape(f"{what} / {row.peer}")}</text>'
    yield f'<rect x="{left}" y="{y + 3}" width="{max(right - left, 1):.1f}" height="{HEIGHT - 8}" fill="{colour}"/>'
    if row.goal is not None and row.judged == "ratio":
        x = _x(row.goal)
        yield f'<line x1="{x}" x2="{x}" y1="{y}" y2="{y + HEIGHT - 2}" stroke="#000" stroke-width="2"/>'
    yield f'<text x="{WIDTH - FIGURES + 12}" y="{y + 12}">{as_ratio(ratio)}</text>'


def _x(ratio: float) -> float:
    """Where a ratio is; what is beyond the scale is at its end."""
    return round(LABELS + (min(max(log2(ratio), LEFT), RIGHT) - LEFT) * _SCALE, 1)
