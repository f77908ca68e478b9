"""Flower and the page beside each other: ``python benchmarks/beside_flower.py [--tasks 20000]``; brings docs/web.md up to date.

Both look at one real Celery worker. It starts a redis-server of its own, which must be installed.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from _beside_sides import BIN, HERE, PATIENCE, Flower, Page, Side
from _page import told
from _results import machine, versions
from celery_worker import redis_server

PAGE = HERE.parent / "docs" / "web.md"
_GENERATED = re.compile(r"(?<=<!-- generated -->\n).*(?=<!-- end of generated -->)", re.DOTALL)
TASKS = 20_000
#: A part of the tasks comes while neither of them runs, and another part before both are killed.
PARTS = 10
#: Tasks a second, at least.
SLOWEST = 100.0
#: Seconds after which a worker that was killed is missed.
MISSED = 75.0
LIBRARIES = ("celery", "flower", "jobreporter", "jobreporter-history")


def main() -> None:
    parser = argparse.ArgumentParser(description="Flower and the page beside each other.")
    parser.add_argument("--tasks", type=int, default=TASKS, help="how many the worker has done when both are measured")
    parser.add_argument("--show", action="store_true", help="only print the table")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, redis_server(Path(name)) as redis:
        found = table(measure(Path(name), redis, given.tasks), given.tasks)
    print(found)
    if not given.show:
        PAGE.write_text(_GENERATED.sub(lambda _: f"\n{found}\n\n", PAGE.read_text()))


Rows = list[tuple[str, str, str]]


def measure(folder: Path, redis: str, tasks: int) -> Rows:
    """Every row: what it is, Flower's, ours."""
    (folder / "jobreporter.toml").write_text(
        f'[reporters.history]\nstore = "sqlite://{folder}/history.db"\nmax_bytes = "20GB"\n'
    )
    rows: Rows = []
    part = tasks // PARTS
    Flower.most = max(Flower.most, 2 * tasks)
    flower = Flower(folder, redis)
    with worker(folder, redis) as process:
        enqueue(redis, folder, 1)
        wait_for((folder / "history.db").exists)
        page = Page(folder, redis)

        def row(what: str, figure: Callable[[Any], str], *given: Any) -> None:
            rows.append((what, figure(flower, *given), figure(page, *given)))
            print(rows[-1], flush=True)

        try:
            row("memory before", memory)
            enqueue(redis, folder, tasks - 1)
            wait_for(lambda: page.total() == tasks, PATIENCE + tasks / SLOWEST)
            wait_until_steady(flower)
            for title, what in QUESTIONS.items():
                row(title, lambda side, what: f"{side.takes(side.searches[what]) * 1000:.1f} ms", what)
            row(f"memory after {tasks:,} tasks", memory)
            for side in (flower, page):
                side.end(signal.SIGTERM)
            enqueue(redis, folder, part)
            wait_until_idle(redis, PATIENCE + part / SLOWEST)
            for side in (flower, page):
                side.start()
            wait_for(lambda: page.total() == tasks + part, PATIENCE + part / SLOWEST)
            row(f"tasks that it has after it was stopped and started, while {part:,} ran", total)
            row("its files then", lambda side: megabytes(side.on_disk()))
            enqueue(redis, folder, part)
            wait_for(lambda: page.total() == tasks + 2 * part, PATIENCE + part / SLOWEST)
            wait_until_steady(flower)
            row(f"tasks that it has after {part:,} more", total)
            for side in (flower, page):
                side.end(signal.SIGKILL)
                side.start()
            row("and after it was killed and started", total)
            run_for_ever(redis, folder)
            wait_for(lambda: "shop.wait" in page.get("/") and flower.total("name:shop.wait") == 1)
            os.killpg(process.pid, signal.SIGKILL)
            time.sleep(MISSED)
            row(f"a task whose worker was killed {MISSED:.0f} s ago", lambda side: side.state("shop.wait"))
            flower.persistent = False
            for side in (flower, page):
                side.end(signal.SIGTERM)
                side.start()
            row("tasks that it has after it was stopped and started, Flower without `--persistent`", total)
        finally:
            for side in (flower, page):
                side.process.kill()
                side.process.wait()
    return rows


QUESTIONS = {
    "the newest 50 tasks, processor time": "",
    "the newest 50 failures, the same": "failures",
    "those with a word among their arguments, as one in a thousand has it, the same": "word",
}


def memory(side: Side) -> str:
    return megabytes(side.memory())


def total(side: Side) -> str:
    return f"{side.total():,}"


def megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


@contextmanager
def worker(folder: Path, redis: str) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker, which sends events, as Flower needs them, and reports to the history."""
    command = [str(BIN / "celery"), "--app=_beside_app", "worker", "-E", "--concurrency=2", "--loglevel=CRITICAL"]
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            command, env=environment(redis, folder), cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def environment(redis: str, folder: Path) -> dict[str, str]:
    config = str(folder / "jobreporter.toml")
    return os.environ | {"BENCH_REDIS": redis, "JOBREPORTER_CONFIG": config, "PYTHONPATH": str(HERE)}


def enqueue(redis: str, folder: Path, count: int) -> None:
    command = [sys.executable, str(HERE / "_beside_app.py"), str(count)]
    subprocess.run(command, env=environment(redis, folder), check=True)


def run_for_ever(redis: str, folder: Path) -> None:
    command = [sys.executable, "-c", "from _beside_app import wait\nwait.delay()"]
    subprocess.run(command, env=environment(redis, folder), check=True)


def wait_until_idle(redis: str, patience: float) -> None:
    """Until no task waits, and none that was fetched runs any more."""
    from redis import Redis

    client: Any = Redis.from_url(redis)
    wait_for(lambda: client.llen("celery") == 0 and client.hlen("unacked") == 0, patience)


def wait_until_steady(side: Side) -> None:
    """Until it has seen all that it will see."""
    seen = -1
    while (now := side.total()) != seen:
        seen = now
        time.sleep(5)


def wait_for(reached: Callable[[], bool], patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not reached():
        assert time.monotonic() < deadline, "the worker does not get on, or somebody does not see it"
        time.sleep(0.5)


def table(rows: Rows, tasks: int) -> str:
    used = {name: version for name, version in versions().items() if name in LIBRARIES}
    lines = [("", Flower.title, Page.title), ("---", "---", "---"), *rows]
    command = f"`python benchmarks/beside_flower.py --tasks {tasks}`"
    return "\n".join([f"{told(machine(), used)[:-1]}: {command}.", "", *(f"| {' | '.join(line)} |" for line in lines)])


if __name__ == "__main__":
    main()
