"""The axis of time below a chart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from markupsafe import Markup

WIDTH = 1000.0
_HOUR, _DAY = 3600, 86_400
# Seconds between two ticks: the first of these with which an axis has no more than so many.
_STEPS = (60, 600, _HOUR, 3 * _HOUR, 12 * _HOUR, _DAY, 7 * _DAY)
_MOST = 9
# Unix time began on a Thursday, and weeks begin on Mondays.
_FIRST_MONDAY = 4 * _DAY


class Tick(NamedTuple):
    """A round time on an axis (Unix seconds). main: whether it is there on a narrow screen, too."""

    at: int
    main: bool

    def __str__(self) -> str:
        then = datetime.fromtimestamp(self.at, UTC)
        return f"{then:%H:%M}" if self.at % _DAY else f"{then:%b %d}"


class Axis(NamedTuple):
    """A range of time (Unix seconds), and the seconds of a step."""

    since: float
    until: float
    step: float

    def x(self, at: float) -> float:
        """Where a time is, from 0 to 1000."""
        return min(max((at - self.since) / max(self.until - self.since, 1e-9), 0.0), 1.0) * WIDTH

    def ticks(self) -> Iterator[Tick]:
        """Whole minutes, hours, days or Mondays, whichever the range has several of."""
        step = next((each for each in _STEPS if (self.until - self.since) / each <= _MOST), _STEPS[-1])
        shift = _FIRST_MONDAY if step > _DAY else 0
        first = int((self.since - shift) // step) + 1
        for number in range(first, int((self.until - shift) // step) + 1):
            yield Tick(number * step + shift, main=number % 2 == 0)


def labels(axis: Axis) -> Markup:
    """The ticks' times. Those that would run into an edge or into ``now`` are left out, sooner on a narrow screen."""
    drawn = []
    for tick in axis.ticks():
        x = axis.x(tick.at) / WIDTH
        if 0.035 <= x <= 0.95:
            kind = "" if tick.main and 0.075 <= x <= 0.83 else ' class="fine"'
            drawn.append(f'<text x="{x:.2%}" y="12"{kind}>{tick}</text>')
    # What stands in it is made of numbers and times.
    return Markup(  # noqa: S704 - as the comment says
        f'<svg class="axis" aria-hidden="true">{"".join(drawn)}<text x="100%" y="12" class="now">now</text></svg>'
    )
