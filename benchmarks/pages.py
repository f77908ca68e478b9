"""Every page over a full history: ``python benchmarks/pages.py [--executions 1000000] [--show]``.

Both engines, each filled with a month of executions, and for comparison with a thousandth of them. Pages are asked for
over HTTP from a running ``jobreporter web``. It starts a PostgreSQL of its own, which must be installed.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from _full_store import RARE, Example, example, fill
from _postgresql import postgresql
from _program import Report, run
from _rounds import Measurement, compare
from _row import Row, result

#: Executions that the stores have by default, and a store that is compared with them.
KEPT, FEW, ROUNDS = 100_000, 1000, 9
#: Nanoseconds that a page may take, and bytes of it, compressed.
LONGEST, LARGEST = 100e6, 40_000
#: A search that no index helps with ends after so many seconds, and says so.
_SEARCH = "slower:10m"


class Site(NamedTuple):
    """A page that is served. seen: what its pages took and how large they were, by path."""

    port: int
    seen: dict[str, list[tuple[float, int]]]

    def asked(self, path: str) -> Measurement:
        """What it takes to get a page, in nanoseconds."""

        def measure() -> float:
            began = time.perf_counter_ns()
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            took = time.perf_counter_ns() - began
            assert answer.status == 200, (path, answer.status, body[-500:])
            self.seen.setdefault(path, []).append((took / 1e6, len(gzip.compress(body))))
            return float(took)

        return measure


def pages(found: Example) -> dict[str, str]:
    """The path of every page, and of its heaviest filters, by what it is."""
    searches = {
        "newest": "",
        "failures": "outcome:failure",
        "one job's failures": f"name:{found.job} outcome:failure",
        "a word": RARE,
        "a word of most": "report",
        "an error's words": "declined",
        "a tag": "customer:customer-7",
        "one worker's": "worker:web-3",
        "without a word": "-report",
        "retries": "attempt:2",
        "an incident's": f"incident:{found.incident}",
        "an id": found.execution_id,
        "nothing found": _SEARCH,
    }
    return {
        "/ of 24 h": "/",
        "/ of 30 d": "/?range=30d",
        "/incidents": "/incidents?state=all",
        "/incidents, text": "/incidents?state=all&find=declined",
        "/incidents/ID": f"/incidents/{found.incident}",
        **{f"/executions, {what}": f"/executions?q={quote(query)}" for what, query in searches.items()},
        "/x/ID": f"/x/{found.execution_id}",
        "/jobs of 30 d": "/jobs?range=30d",
        "/job of 24 h": f"/job?name={quote(found.job)}",
        "/job of 30 d": f"/job?name={quote(found.job)}&range=30d",
        "/schedules": "/schedules",
        "/reporters": "/reporters",
    }


def main(report: Report, kept: int) -> None:
    with (
        tempfile.TemporaryDirectory() as name,
        tempfile.TemporaryDirectory() as other,
        postgresql(Path(other)) as port,
    ):
        server = f"postgresql://bench@127.0.0.1:{port}"
        stores = {
            "SQLite": (f"sqlite://{name}/full.db", f"sqlite://{name}/few.db"),
            "PostgreSQL": (f"{server}/ours", f"{server}/peer"),
        }
        for engine, (full, few) in stores.items():
            fill(full, kept)
            fill(few, FEW)
            measured(report, engine, full, few, kept)


def measured(report: Report, engine: str, full: str, few: str, kept: int) -> None:
    """Every page of a full store beside the same page of one that has few."""
    with served(full) as ours, served(few) as peer:
        there = pages(example(few))
        for what, path in pages(example(full)).items():
            told = f"{what}, {engine}, {kept:,} kept"
            row = Row(what=told, peer=f"{FEW:,} kept", goal=LONGEST, judged="ours", drawn=False)
            report.add(result(row, compare(ours.asked(path), peer.asked(there[what]), ROUNDS)))
    worst, path = max((took, path) for path, seen in ours.seen.items() for took, _ in seen)
    size, largest = max((size, path) for path, seen in ours.seen.items() for _, size in seen)
    report.note(
        f"Pages of {kept:,} executions, {engine}: the slowest of all answers took {worst:.0f} ms ({path}), the median of"
        f" all pages' medians is {statistics.median(map(_median, ours.seen.values())):.0f} ms; the largest has"
        f" {size / 1000:.1f} KB, compressed ({largest})."
    )


def _median(seen: list[tuple[float, int]]) -> float:
    return statistics.median(took for took, _ in seen)


@contextmanager
def served(url: str) -> Iterator[Site]:
    """The page of a store, as a process of its own."""
    command = [sys.executable, "-m", "jobreporter", "web", "--store", url, "--port", "0"]
    with ExitStack() as stack:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        stack.callback(process.wait, 60)
        stack.callback(process.terminate)
        assert process.stdout is not None
        yield Site(urlsplit(process.stdout.readline().split()[-1]).port or 0, {})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Every page over a full history.")
    parser.add_argument("--executions", type=int, default=KEPT, help="how many are kept when it is measured")
    parser.add_argument("--show", action="store_true", help="only print the table")
    given = parser.parse_args()
    run(lambda report: main(report, given.executions), keep=not given.show)
