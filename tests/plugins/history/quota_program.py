"""Writes history where the system takes no more at some point, and then does again, and says what became of it.

A limit on the size of files stands for a quota: SQLite hears the same of both. argv: the folder. Prints JSON.
"""

from __future__ import annotations

import json
import logging
import resource
import sys

from tests.plugins.history.contents import rows_equal_rollups
from tests.plugins.history.executions import NOW, succeeded
from tests.plugins.history.sessions import Running

LIMIT = 200_000


def limit(size: int) -> None:
    """Have no file grow beyond."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


logging.basicConfig(stream=sys.stderr, format="%(message)s")
url = f"sqlite://{sys.argv[1]}/history.db"
running = Running(url)
assert running.write(succeeded(NOW))
limit(LIMIT)
written = 1
while not running.lost:
    assert running.write(event for each in range(50) for event in succeeded(NOW + each, args=["x" * 3000])), (
        running.said
    )
    written += 50
limit(resource.RLIM_INFINITY)
assert running.write(succeeded(NOW + 60))
running.close()
kept = written + 1 - running.lost["disk"] // 2
print(json.dumps({"lost": sorted(running.lost), "whole": rows_equal_rollups(url) == kept}))  # noqa: T201 - for the test
