"""Odd expressions in odd places, computed in a second way."""

from __future__ import annotations

import pytest

from jobreporter.schedules import Schedule, dues, previous_due

from .on_the_wall import due_on_the_wall
from .test_dues import at, on_the_clock


@pytest.mark.parametrize(
    ("cron", "zone", "since", "until", "count"),
    [
        ("30 2 * * *", "Europe/Berlin", "2026-03-27", "2026-04-01", 5),
        ("30 1 * * *", "America/New_York", "2026-10-30", "2026-11-03", 4),
        ("30 1 * * *", "Europe/London", "2026-10-23", "2026-10-28", 5),
        ("*/7 2 * * *", "Europe/Berlin", "2026-03-28", "2026-03-31", 18),
        ("*/7 2 * * *", "Europe/Berlin", "2026-10-24", "2026-10-27", 36),
        ("10,50 2 * * *", "Europe/Berlin", "2026-03-28", "2026-03-31", 5),
        # Half an hour is skipped, and half an hour comes twice.
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-02", "2026-10-06", 4),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-03", "2026-04-07", 4),
        ("*/10 1-2 * * *", "Australia/Lord_Howe", "2026-04-04", "2026-04-07", 39),
        # There was no December 30th.
        ("0 12 * * *", "Pacific/Apia", "2011-12-27", "2012-01-03", 7),
        ("*/30 12 * * *", "Pacific/Apia", "2011-12-27", "2012-01-03", 12),
        # There is no midnight on some days.
        ("30 0 * * *", "America/Sao_Paulo", "2018-11-01", "2018-11-08", 7),
        ("0 0 * * *", "Asia/Beirut", "2026-03-25", "2026-04-02", 8),
        ("0 0 L * *", "Asia/Kathmandu", "2028-02-01", "2028-03-02", 1),
        ("0 8 LW * *", "UTC", "2026-01-01", "2026-02-01", 1),
        ("0 9 * * 1#1,5L", "Pacific/Chatham", "2026-02-01", "2026-03-01", 2),
        ("0 0 13 * fri", "Africa/Casablanca", "2026-02-01", "2026-03-16", 6),
        ("5 0 * JAN-FEB sun", "America/Havana", "2026-02-15", "2026-03-16", 2),
        # Two hours are skipped.
        ("0-59/15 1-3/2 * * 0,7", "Antarctica/Troll", "2026-03-20", "2026-04-10", 20),
    ],
)  # fmt: skip
def test_two_ways_agree(cron: str, zone: str, since: str, until: str, count: int) -> None:
    """Forwards as backwards, over every change of the clock."""
    plan = Schedule(name="nightly", job="backup", cron=cron, timezone=zone)
    begin, end = at(since, zone), at(until, zone) - 1
    expected = due_on_the_wall(cron, zone, begin - 1, end)
    found = dues(plan, begin - 1, end)
    assert on_the_clock(found, zone) == on_the_clock(expected, zone)
    assert found == expected
    assert len(found) == count
    for due, following in zip(found, [*found[1:], end + 1], strict=True):
        assert previous_due(plan, due) == previous_due(plan, following - 1) == due
