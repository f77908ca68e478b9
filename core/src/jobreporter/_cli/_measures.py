"""Durations and sizes as options of a command: a number, or text with units."""

from __future__ import annotations

import click

from jobreporter.units import DURATION, Measure


class MeasureType(click.ParamType):  # type: ignore[type-arg]  # click 8.1 has no type argument yet
    """A `Duration` or a `Size`, as the config takes it too."""

    def __init__(self, measure: Measure, *, above_zero: bool = False) -> None:
        self.name = measure.noun
        self._measure = measure
        self._above_zero = above_zero

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number of seconds or bytes; what isn't one is wrong usage."""
        try:
            number = self._measure.read(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if self._above_zero and not number:
            self.fail(f"expected a {self._measure.noun} above 0, found {value!r}", param, ctx)
        return number


#: Seconds, and more than none.
DURATION_ABOVE_ZERO = MeasureType(DURATION, above_zero=True)
