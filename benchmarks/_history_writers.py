"""Several processes that write one history at a time, as a worker's children do."""

from __future__ import annotations

import multiprocessing
import statistics
import time

from _executions import executions
from _history_peers import ORIGIN, History

#: Processes, flushes of each, and executions in each flush, one a second.
WRITERS, FLUSHES, EACH = 8, 8, 25


def told(name: str, url: str) -> str:
    """How long their flushes take."""
    with multiprocessing.get_context("spawn").Pool(WRITERS) as pool:
        found = pool.starmap(flushes, [(url, number) for number in range(WRITERS)], chunksize=1)
    took = sorted(seconds * 1000 for each in found for seconds in each)
    p99 = took[int(len(took) * 0.99)]
    return f"{name}: {statistics.median(took):.1f} ms, and 99 of 100 within {p99:.0f} ms"


def flushes(url: str, number: int) -> list[float]:
    """Seconds of each flush of one process."""
    store = History("", url)
    took = []
    for flush in range(FLUSHES):
        for each in executions((number * FLUSHES + flush) * EACH, EACH):
            for event in each.events():
                store.take(event, ORIGIN)
        begin = time.perf_counter()
        store.write()
        took.append(time.perf_counter() - begin)
        time.sleep(max(0.0, 1.0 - took[-1]))
    store.close()
    return took
