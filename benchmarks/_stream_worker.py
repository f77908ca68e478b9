"""A real Celery worker whose six reporters run in an agent, beside one without reporters."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from _celery_reporter import COUNT
from _program import Report
from _rounds import Comparison
from _row import Row, result
from _stream_ours import stream_config
from celery_worker import HERE, comparison, nanoseconds_each, worked_off
from redis import Redis

REPORTERS = 6
#: Mebibytes are for memory; what a child may take more is in megabytes.
MORE = 3e6
EVENTS_PER_TASK = 3


class Taken(NamedTuple):
    """nanoseconds: for each task. bytes: of memory that a child has in use."""

    nanoseconds: float
    bytes: float


def workers(report: Report, tasks: int, rounds: int, url: str) -> None:
    """What a task takes and how large a child is, in workers with two children, by turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        none = folder / "none.toml"
        none.touch()
        reporter = "_celery_reporter:Telling"
        configs = {
            "none": none,
            "spool": stream_config(folder, None, REPORTERS, reporter),
            "Redis": stream_config(folder, url, REPORTERS, reporter),
        }
        taken: dict[str, list[Taken]] = {each: [] for each in configs}
        for number in range(rounds):
            for each in configs if number % 2 else reversed(configs):
                taken[each].append(one_worker(folder, url, configs[each], tasks))
        peer = "the same worker, no reporters"
        for each in ("spool", "Redis"):
            told = f"[stream] with {REPORTERS} reporters, {each}"
            row = Row(what=f"a Celery worker's time for each task, {told}", peer=peer, goal=1 / 0.97)
            report.add(result(row, compared(taken[each], taken["none"], lambda found: found.nanoseconds), "none"))
            row = Row(what=f"memory of its child, {told}", peer=peer, goal=MORE, judged="more", unit="bytes")
            report.add(result(row, compared(taken[each], taken["none"], lambda found: found.bytes)))


def compared(ours: list[Taken], peer: list[Taken], figure: Callable[[Taken], float]) -> Comparison:
    return comparison(list(map(figure, ours)), list(map(figure, peer)))


def one_worker(folder: Path, url: str, config: Path, tasks: int) -> Taken:
    """Enqueue all, start a worker, take the time from the first task to the last; an agent counts what it has told."""
    redis = Redis.from_url(url)
    redis.flushdb()
    for path in folder.glob("stream.db*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    settings = os.environ | {
        "BENCH_VARIANT": "jobreporter",
        "BENCH_REDIS": url,
        "JOBREPORTER_CONFIG": str(config),
        "PYTHONPATH": str(HERE),
    }
    with worked_off(redis, folder, settings, tasks) as worker:
        memory = max(map(in_use, children(worker.pid)))
    if "none" not in config.name:
        command = [sys.executable, "-m", "jobreporter", "--config", str(config), "agent", "--once"]
        subprocess.run(command, env=settings, check=True, stderr=subprocess.DEVNULL)
        assert int(redis.get(COUNT) or 0) == EVENTS_PER_TASK * REPORTERS * (tasks + 2), "a reporter has lost events"
    return Taken(nanoseconds_each(redis, tasks), memory)


def children(pid: int) -> list[int]:
    return [int(each) for path in Path(f"/proc/{pid}/task").glob("*/children") for each in path.read_text().split()]


def in_use(pid: int) -> float:
    """Bytes of a process that are in memory, those that it shares with its parent too."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1]) * 1024
    raise AssertionError(f"the kernel says nothing of {pid}")
