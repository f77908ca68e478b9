"""Moments and durations as people say them."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import NamedTuple

# By themselves, whatever the process's locale is.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


class Clockface(NamedTuple):
    """Reads moments for somebody: in which time zone, and when. now: Unix seconds."""

    zone: tzinfo
    now: float

    def moment(self, at: float) -> str:
        """``14:02 UTC``; with the day, and the year, if it is another one."""
        day = self._day(at)
        return f"{day}, {self._time(at)}" if day else self._time(at)

    def when(self, at: float) -> str:
        """The same in a sentence: ``at 14:02 UTC``, ``on Nov 14, 14:02 UTC``."""
        return f"{'on' if self._day(at) else 'at'} {self.moment(at)}"

    def _time(self, at: float) -> str:
        there = datetime.fromtimestamp(at, self.zone)
        return f"{there:%H:%M} {there.tzname() or ''}".rstrip()

    def _day(self, at: float) -> str:
        there, here = datetime.fromtimestamp(at, self.zone), datetime.fromtimestamp(self.now, self.zone)
        if there.date() == here.date():
            return ""
        return f"{_MONTHS[there.month - 1]} {there.day}" + ("" if there.year == here.year else f" {there.year}")


def span(seconds: float) -> str:
    """In the largest unit, and what is left in the next: ``2 h 10 min``, ``45 s``."""
    for index, (length, unit) in enumerate(_UNITS):
        if seconds >= length:
            count, rest = divmod(int(seconds), length)
            further = _UNITS[index + 1 : index + 2]
            parts = "".join(f" {rest // size} {name}" for size, name in further if rest >= size)
            return f"{count} {unit}{parts}"
    return f"{max(seconds, 0.0):.0f} s"


def count(number: int, noun: str) -> str:
    """``1 failure``, ``312 failures``, ``12,400 failures``."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"
