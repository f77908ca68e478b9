"""Days that have nothing long enough for a filter: their rollups say so, and none of their rows is looked at."""

from __future__ import annotations

from jobreporter_history._calendar import DAY, ended_at
from jobreporter_history._engines.database import Connection
from jobreporter_history._histogram import Histogram, bucket_of
from jobreporter_history._read.plan import Plan


def may_have(connection: Connection, planned: Plan, lowest: int, beyond: int) -> bool:
    """Whether what ended between two ids may be as long as is asked for."""
    span = (ended_at(lowest) // DAY * DAY, ended_at(beyond))
    series = "".join(f" AND {each.sql}" for each in planned.of_series)
    for column, seconds in planned.longer:
        sql = f"SELECT {column} FROM rollup x WHERE res = {DAY:.0f} AND t >= ? AND t < ?{series}"
        # What is counted was rounded to a microsecond, and may lie in the bucket below.
        enough = bucket_of(seconds) - 1
        stored = (Histogram.decode(found).counts for (found,) in connection.rows(sql, span))
        if not any(max(counts, default=-1) >= enough for counts in stored):
            return False
    return True
