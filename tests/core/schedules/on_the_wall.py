"""A second way to say when runs are due, which shares nothing with the first: look at the clock on the wall, minute by minute."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

Match = Callable[[datetime], bool]
_MINUTE = timedelta(minutes=1)
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = ("", *(name.lower() for name in calendar.month_abbr[1:]))


def due_on_the_wall(cron: str, zone: str, since: float, until: float) -> list[float]:
    """The moments later than one and not later than another.

    What is meant for a fixed time, so that neither minute nor hour begins with a star, runs once where the clock shows it
    twice, and where the clock leaves it out, as soon as that goes on.
    """
    matches = _matcher(*cron.split())
    minute, hour, *_ = cron.split()
    fixed = not minute.startswith("*") and not hour.startswith("*")
    found: list[float] = []
    shown: set[datetime] = set()
    before: datetime | None = None
    for at in range(int(since // 60 + 1) * 60, int(until) + 1, 60):
        now = datetime.fromtimestamp(at, ZoneInfo(zone)).replace(tzinfo=None, fold=0)
        left_out = before is not None and fixed and any(map(matches, _between(before, now)))
        if left_out or (matches(now) and not (fixed and now in shown)):
            found.append(float(at))
        shown.add(now)
        before = now
    return found


def _between(before: datetime, now: datetime) -> list[datetime]:
    return [before + _MINUTE * step for step in range(1, int((now - before) / _MINUTE))]


def _matcher(minute: str, hour: str, day: str, month: str, weekday: str) -> Match:
    minutes, hours, months = _numbers(minute, 0, 59), _numbers(hour, 0, 23), _numbers(month, 1, 12, _MONTHS)
    either = not day.startswith("*") and not weekday.startswith("*")

    def matches(now: datetime) -> bool:
        if now.minute not in minutes or now.hour not in hours or now.month not in months:
            return False
        days = any(_is_day(part, now) for part in day.split(","))
        weekdays = any(_is_weekday(part, now) for part in weekday.split(","))
        return (days or weekdays) if either else (days and weekdays)

    return matches


def _is_day(part: str, now: datetime) -> bool:
    last = calendar.monthrange(now.year, now.month)[1]
    if part == "L":
        return now.day == last
    if part == "LW":
        return now.day == max(day for day in range(1, last + 1) if calendar.weekday(now.year, now.month, day) < 5)
    return now.day in _numbers(part, 1, 31)


def _is_weekday(part: str, now: datetime) -> bool:
    today, last = now.isoweekday() % 7, calendar.monthrange(now.year, now.month)[1]
    if "#" in part:
        wanted, number = map(int, part.split("#"))
        return today == wanted and (now.day + 6) // 7 == number
    if part.endswith("L"):
        return today == int(part[:-1]) and now.day + 7 > last
    return today in {each % 7 for each in _numbers(part, 0, 7, _WEEKDAYS)}


def _numbers(field: str, lowest: int, highest: int, names: tuple[str, ...] = ()) -> set[int]:
    found: set[int] = set()
    for part in field.lower().split(","):
        span, _, step = part.partition("/")
        first, _, last = (f"{lowest}-{highest}" if span == "*" else span).partition("-")
        begin, end = (names.index(each) if each in names else int(each) for each in (first, last or first))
        found.update(range(begin, end + 1, int(step or 1)))
    return found
