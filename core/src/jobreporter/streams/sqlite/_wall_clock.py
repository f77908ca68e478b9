"""Whether the machine's clock was set forward: then what was stored before seems older than it is.

Kept in the database, since whoever saw it may have ended. The machine's own time, which nobody sets, tells.
"""

from __future__ import annotations

import time

from jobreporter.streams import _machine
from jobreporter.streams.sqlite._database import Database

# Seconds by which a clock was set, and not only put right.
_MUCH = 60.0
_NAMES = ("boot", "ahead", "advanced_at")


def was_advanced(database: Database, within: float) -> bool:
    """Whether it was set forward in the last so many seconds, as far as was looked in this life of the machine before.

    To be called in a transaction.
    """
    boot, seconds = _machine.now()
    now = time.time()
    known = dict(database.rows("SELECT name, value FROM meta WHERE name IN (?, ?, ?)", _NAMES))
    set_by = now - seconds - known["ahead"] if known.get("boot") == boot else 0.0
    if set_by > _MUCH:
        known["advanced_at"] = now
    elif set_by < -_MUCH and "advanced_at" in known:
        known["advanced_at"] += set_by  # it is as long ago as before
    known.update(boot=boot, ahead=now - seconds)
    database.run_many("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(known.items()))
    return "advanced_at" in known and now - known["advanced_at"] <= within
