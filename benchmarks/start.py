"""What the start of a worker pays, each time in a fresh process: ``python benchmarks/start.py``."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from _program import Report, run
from _rounds import Measurement, compare
from _row import Row, result

from jobreporter._plugins.installed import BUILT_IN, REPORTERS

# Installed beside each other, as in a large application's environment; so many of them provide reporters.
DISTRIBUTIONS, PROVIDERS = 300, 3
ROUNDS = 21

TIMED = """
import sys, time
{first}
start = time.perf_counter_ns()
{timed}
print(time.perf_counter_ns() - start)
{last}
"""


def main(report: Report) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours, peer = (timed(folder, f"import {module}") for module in ("jobreporter", "sentry_sdk"))
        row = Row(number="12", what="import jobreporter", peer="import sentry_sdk", goal=1 / 2)
        report.add(result(row, compare(ours, peer, ROUNDS)))

        install(folder / "site")
        # What is imported comes from where it always does; what is installed is what lies in this folder.
        there = f"sys.path[:] = [{str(folder / 'site')!r}]"
        right = f"assert len(found) == {PROVIDERS}"
        # Where core is not installed, as in this folder, its own are added.
        all_of_them = f"assert len(found) == {PROVIDERS + len(BUILT_IN[REPORTERS])}"
        begin = f"from jobreporter._plugins.installed import scan\n{there}"
        ours = timed(folder, "found = scan()", begin, all_of_them)
        stdlib = f"found = importlib.metadata.entry_points(group={REPORTERS!r})"
        peer = timed(folder, stdlib, f"import importlib.metadata\n{there}", right)
        row = Row(number="12", what=f"discovery, {DISTRIBUTIONS} distributions", peer="importlib.metadata", goal=1.0)
        report.add(result(row, compare(ours, peer, ROUNDS)))


def timed(folder: Path, what: str, first: str = "", last: str = "") -> Measurement:
    """What some code takes in a process that has done nothing before, where all modules are compiled already."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "caches")
    command = [sys.executable, "-c", TIMED.format(timed=what, first=first, last=last)]

    def measure() -> float:
        done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=True)
        return float(done.stdout)

    return measure


def install(site: Path) -> None:
    """What pip leaves of so many distributions. Half of them have commands, as in most environments."""
    for number in range(DISTRIBUTIONS):
        info = site / f"distribution_{number}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: distribution-{number}\nVersion: 1.0\n")
        if number < PROVIDERS:
            (info / "entry_points.txt").write_text(f"[{REPORTERS}]\nreporter-{number} = module_{number}:reporter\n")
        elif number % 2:
            (info / "entry_points.txt").write_text(f"[console_scripts]\ncommand-{number} = module_{number}:main\n")


if __name__ == "__main__":
    run(main)
