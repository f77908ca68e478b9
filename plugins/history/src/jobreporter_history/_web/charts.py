"""Charts as SVG, drawn here: one path for each kind of thing, coloured by the style sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

from jobreporter_history._display.text import visible
from jobreporter_history._web.axis import WIDTH, Axis
from jobreporter_history.store import Cell, Figures, Point, Release

_HEIGHT = 100.0
_HOUR = 3600


class Series(NamedTuple):
    """Bars or a line: its class in the style sheet, and its values by time."""

    name: str
    values: Sequence[tuple[float, float]]


def bars(
    axis: Axis, stacked: Sequence[Series], *, label: str, releases: Iterable[Release] = (), height: float = _HEIGHT
) -> Markup:
    """Bars that stand on each other. label: what the chart says, for those who don't see it."""
    totals: dict[float, float] = {}
    for series in stacked:
        for at, value in series.values:
            totals[at] = totals.get(at, 0.0) + value
    highest = max(totals.values(), default=0.0)
    top = highest or 1.0
    width = max(axis.x(axis.since + axis.step) * 0.92, 1.0)
    below: dict[float, float] = {}
    paths = []
    for series in stacked:
        commands = []
        for at, value in series.values:
            if value > 0:
                rise = max(value / top * height, 1.5)
                foot = below.get(at, 0.0)
                below[at] = foot + rise
                commands.append(f"M{axis.x(at):.1f} {height - foot:.1f}v{-rise:.1f}h{width:.1f}v{rise:.1f}z")
        if commands:
            paths.append(f'<path class="{series.name}" d="{"".join(commands)}"/>')
    if height < 50:  # a chart in a row of a table has no room for its scale
        return _svg(label, height, "".join(paths))
    drawn = _svg(label, height, _grid(axis, height) + "".join(paths) + _marks(axis, releases, height))
    return Markup('<p class="peak">at most {:,.0f}</p>').format(highest) + drawn if highest else drawn


def lines(axis: Axis, drawn: Sequence[Series], *, label: str, releases: Iterable[Release] = ()) -> Markup:
    """Lines on one scale from zero."""
    top = max((value for series in drawn for _, value in series.values), default=0.0) or 1.0
    paths = []
    for series in drawn:
        points = [
            f"{axis.x(at + axis.step / 2):.1f} {_HEIGHT - value / top * (_HEIGHT - 3) - 1:.1f}"
            for at, value in series.values
        ]
        if len(points) == 1:
            points.append(f"{float(points[0].split()[0]) + 6:.1f} {points[0].split()[1]}")
        if points:
            paths.append(f'<path class="line {series.name}" d="M{"L".join(points)}"/>')
    return _svg(label, _HEIGHT, _grid(axis, _HEIGHT) + "".join(paths) + _marks(axis, releases, _HEIGHT))


def spark(axis: Axis, points: Iterable[Point], kind: str, *, label: str) -> Markup:
    """A small chart in a row of a table. kind: ``runs`` or ``failed``."""
    value: Callable[[Figures], int] = (lambda each: each.failed) if kind == "failed" else (lambda each: each.runs)
    values = [(point.at, float(value(point.figures))) for point in points]
    return bars(axis, [Series(kind, values)], label=label, height=30.0)


def last_hours(count: int, now: float) -> Axis:
    """The axis of so many hours, in whole ones."""
    until = -int(-now // _HOUR) * _HOUR
    return Axis(until - count * _HOUR, until, _HOUR)


def recent(axis: Axis, cells: Iterable[Cell]) -> Markup:
    """The failures of the last day, in a row of a table."""
    hours = [(cell.at, float(cell.failed)) for cell in cells if cell.at >= axis.since]
    label = f"Failures in 24 hours: {sum(failed for _, failed in hours):,.0f}"
    return bars(axis, [Series("failed", hours)], label=label, height=30.0)


def span(axis: Axis, begun: float | None, ended: float | None, kind: str, queued: float | None = None) -> Markup:
    """One bar on an axis of time that several rows share: when it waited, and when it ran."""
    end = axis.until if ended is None else ended
    start = end if begun is None else begun
    commands = ""
    if queued is not None and queued < start:
        commands += f'<path class="queued" d="M{axis.x(queued):.1f} 4H{axis.x(start):.1f}V8H{axis.x(queued):.1f}z"/>'
    left, right = axis.x(start), axis.x(end)
    if right - left < 8:  # what took no time is seen nevertheless
        left, right = max(min(left, WIDTH - 8), 0.0), min(max(left + 8, 8.0), WIDTH)
    return _svg("", 12.0, f'{commands}<path class="{kind}" d="M{left:.1f} 0H{right:.1f}V12H{left:.1f}z"/>', "span")


def _grid(axis: Axis, height: float) -> str:
    lines = "".join(f"M{axis.x(tick.at):.1f} 0V{height:.0f}" for tick in axis.ticks())
    return f'<path class="grid" d="{lines}"/>' if lines else ""


def _marks(axis: Axis, releases: Iterable[Release], height: float) -> str:
    return "".join(
        f'<path class="release" d="M{axis.x(each.first_seen):.1f} 0V{height:.0f}">'
        f"<title>{escape(visible(each.release))}</title></path>"
        for each in releases
        if axis.since < each.first_seen <= axis.until
    )


def _svg(label: str, height: float, content: str, kind: str = "chart") -> Markup:
    role = f'role="img" aria-label="{escape(visible(label))}"' if label else 'aria-hidden="true"'
    # What stands in it is made of numbers, of words of this program, and of text that was escaped.
    return Markup(  # noqa: S704 - as the comment says
        f'<svg class="{kind}" viewBox="0 0 {WIDTH:.0f} {height:.0f}" preserveAspectRatio="none" {role}>{content}</svg>'
    )
