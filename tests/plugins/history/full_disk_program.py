"""Fills a small disk with history, and says what became of it. It runs where a disk of its own is mounted on a folder.

argv: the folder. Prints JSON.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from jobreporter_history._calendar import DAY
from jobreporter_history._upkeep.retention import Keep, prune
from jobreporter_history.store import open_store
from tests.plugins.history.contents import rows_equal_rollups
from tests.plugins.history.executions import NOW, succeeded
from tests.plugins.history.sessions import Running

FOLDER = Path(sys.argv[1])
MIDNIGHT = NOW // DAY * DAY
BULK: dict[str, Any] = {"args": ["x" * 6000]}


def days(url: str) -> dict[str, Any]:
    """24 days of executions on a disk that has room for few."""
    running = Running(url, now=MIDNIGHT, min_free=0, keep_success=60 * DAY)
    written = 0
    for _ in range(24):
        running.tick(10)
        for batch in range(8):
            ends = [running.now + batch * 60 + each for each in range(50)]
            assert running.write(event for at in ends for event in succeeded(at, **BULK))
            written += len(ends)
        running.now += DAY - 10
    running.now -= DAY
    running.close()
    store = open_store(url)
    kept = store.count().value
    newest = store.executions(limit=1).rows[0].ended_at
    oldest = store.health().oldest_success
    store.close()
    return {
        "written": written,
        "kept": kept,
        "lost": dict(running.lost),
        "newest": newest >= running.now,
        "whole": rows_equal_rollups(url, oldest or 0, 3600) == kept,
        "ballast": Path(f"{url.removeprefix('sqlite://')}.ballast").exists(),
    }


def one_day(url: str) -> dict[str, Any]:
    """One day alone: there is nothing older to give up, until somebody makes room on the disk."""
    filler = FOLDER / "filler"
    filler.write_bytes(bytes(20_000_000))
    running = Running(url, now=MIDNIGHT, min_free=0)
    written = 0
    while not running.lost:
        ends = [running.now + written + each for each in range(50)]
        assert running.write(event for at in ends for event in succeeded(at, **BULK))
        written += len(ends)
    before = written - running.lost["disk"] // 2
    filler.unlink()
    assert running.write(event for each in range(50) for event in succeeded(running.now + each, **BULK))
    running.close()
    return {"lost": dict(running.lost), "before": before, "kept": rows_equal_rollups(url)}


def held(url: str) -> dict[str, Any]:
    """Somebody reads and doesn't let go, so that the log grows until the disk could not take it into the file any more."""
    running = Running(url, now=MIDNIGHT, min_free=0, keep_success=60 * DAY)
    written = 0

    def write() -> bool:
        nonlocal written
        running.take(event for each in range(50) for event in succeeded(running.now + written + each, **BULK))
        if well := running.write():
            written += 50
        return well

    for _ in range(3):
        assert write()
        running.now += DAY
    with closing(sqlite3.connect(f"file:{url.removeprefix('sqlite://')}?mode=ro", uri=True)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM days").fetchone()
        while write():
            assert not running.lost
        gone = prune(running.database, Keep(success=60 * DAY, min_free=30_000_000), running.now)
        before = rows_equal_rollups(url, 0, 3600)
    again = running.write()
    running.tick(61)
    running.close()
    kept = rows_equal_rollups(url, 0, 3600)
    return {
        "again": again,
        "lost": dict(running.lost),
        "gone": gone,
        "before": before == written,
        "kept": kept == written + 50,
        "said": running.said,
    }


logging.basicConfig(stream=sys.stderr, format="%(message)s")
print(json.dumps({"days": days(f"sqlite://{FOLDER}/days.db")}))  # noqa: T201 - for the test that runs it
for path in FOLDER.iterdir():
    path.unlink()
print(json.dumps({"one_day": one_day(f"sqlite://{FOLDER}/day.db")}))  # noqa: T201 - as above
for path in FOLDER.iterdir():
    path.unlink()
print(json.dumps({"held": held(f"sqlite://{FOLDER}/held.db")}))  # noqa: T201 - as above
