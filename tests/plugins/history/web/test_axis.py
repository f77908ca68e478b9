"""The times below a chart."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from jobreporter_history._display.ranges import RANGES
from jobreporter_history._web.axis import Axis, labels

# 2026-11-29 12:29:17 UTC, a Sunday.
NOW = datetime(2026, 11, 29, 12, 29, 17, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        (RANGES["1h"], "11:30 11:40 11:50 12:00 12:10 12:20"),
        (RANGES["6h"], "07:00 08:00 09:00 10:00 11:00 12:00"),
        (RANGES["24h"], "15:00 18:00 21:00 Nov 29 03:00 06:00 09:00 12:00"),
        (RANGES["7d"], "Nov 23 Nov 24 Nov 25 Nov 26 Nov 27 Nov 28 Nov 29"),
        (RANGES["30d"], "Nov 02 Nov 09 Nov 16 Nov 23"),
        (72 * 3600, "Nov 27 12:00 Nov 28 12:00 Nov 29 12:00"),
        (60.0, "12:29"),
    ],
)
def test_ticks_are_on_round_times(asked: float, shown: str) -> None:
    """Each range has its times in units in which people count, none of them outside."""
    axis = Axis(NOW - asked, NOW, 1.0)
    ticks = list(axis.ticks())
    assert " ".join(map(str, ticks)) == shown
    assert all(axis.since < tick.at <= axis.until for tick in ticks)


def test_no_label_runs_into_the_end() -> None:
    """What is too near to an edge, or to ``now``, is left out; on a narrow screen more of it is."""
    drawn = labels(Axis(NOW - 3600, NOW, 60.0))
    assert ">11:30<" not in drawn
    assert ' class="fine">12:20<' in drawn
    assert drawn.endswith(">now</text></svg>")


@pytest.mark.parametrize("asked", RANGES.values())
def test_no_label_runs_into_an_edge_at_any_time(asked: float) -> None:
    """Whatever the time is, the first label is as far from the edge as half a date is wide, at 390 and at 801 pixels."""
    for minute in range(0, 2 * 1440, 7):
        drawn = labels(Axis(NOW + minute * 60 - asked, NOW + minute * 60, 60.0))
        for x, kind in re.findall(r'x="([\d.]+)%" y="12"( class="fine")?>', drawn)[:-1]:
            assert float(x) / 100 * (680 if kind else 330) >= 23
