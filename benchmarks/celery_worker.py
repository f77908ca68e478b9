"""A real Celery worker (prefork, Redis) and its tasks, watched by jobreporter, by sentry-sdk, and by nobody.

``python benchmarks/celery_worker.py`` starts a redis-server of its own on a free port, and stops it.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _celery_app import MARKS, VARIANTS
from _celery_reporter import COUNT
from _program import Report, run
from _rounds import Comparison, spread
from _row import Row, result
from redis import Redis

HERE = Path(__file__).parent
#: Tasks of one measurement, and how often each side is measured.
TASKS, ROUNDS = 2_000, 15
#: The same for tasks that are traced in one process.
TRACED, TRACED_ROUNDS = 4_000, 15
REPORTERS = 3
#: What a whole worker is measured with: nobody, all reporters, none of them enabled, and a peer.
WORKERS = ("bare", "jobreporter", "jobreporter-idle", "sentry")
PATIENCE = 120.0

CONFIG = "".join(f'[reporters.counting-{number}]\nuse = "_celery_reporter:Telling"\n' for number in range(REPORTERS))


def main(report: Report) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "jobreporter.toml").write_text(CONFIG)
        (folder / "idle.toml").touch()
        in_one_process(report, folder)
        with redis_server(folder) as url:
            in_a_worker(report, folder, url)


def in_one_process(report: Report, folder: Path) -> None:
    """What each watcher adds to a task in the process that runs it."""
    figures: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    for nanoseconds in taken_in_turn(folder):
        for variant, figure in nanoseconds.items():
            figures[variant].append(figure - nanoseconds["bare"])
    for peer, goal in (("sentry", 1 / 3), ("sentry-tracing", None)):
        row = Row(
            number="8" if goal else "",
            what=f"what it adds to a Celery task, reporters: {REPORTERS}",
            peer=f"sentry-sdk's integration{', tracing' if 'tracing' in peer else ''}",
            goal=goal,
        )
        report.add(result(row, comparison(figures["jobreporter"], figures[peer])))


def taken_in_turn(folder: Path) -> Iterator[dict[str, float]]:
    """Nanoseconds for each task by variant, round by round. Each has a process, which waits for its turn."""
    command = [sys.executable, str(HERE / "_celery_app.py"), str(TRACED_ROUNDS), str(TRACED)]
    processes = {
        variant: subprocess.Popen(
            command, env=environment(folder, variant), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for variant in VARIANTS
    }
    for number in range(TRACED_ROUNDS):
        found = {}
        for variant in VARIANTS if number % 2 else reversed(VARIANTS):
            process = processes[variant]
            assert process.stdout is not None
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
            found[variant] = float(process.stdout.readline())
        yield found
    for process in processes.values():
        process.communicate()


def in_a_worker(report: Report, folder: Path, url: str) -> None:
    """What a task takes in a worker with two children, in which the reporters count every event."""
    figures: dict[str, list[float]] = {variant: [] for variant in WORKERS}
    for number in range(ROUNDS):
        for variant in WORKERS if number % 2 else reversed(WORKERS):
            figures[variant].append(nanoseconds_a_task(folder, url, variant))
    watched = f"a Celery worker's time for each task, reporters: {REPORTERS}"
    row = Row(number="13", what=watched, peer="the same worker, unwatched", goal=1 / 0.95)
    report.add(result(row, comparison(figures["jobreporter"], figures["bare"])))
    row = Row(what="a Celery worker's time for each task, reporters: 0", peer="the same worker, unwatched")
    report.add(result(row, comparison(figures["jobreporter-idle"], figures["bare"])))
    row = Row(what=watched, peer="the same worker, sentry-sdk")
    report.add(result(row, comparison(figures["jobreporter"], figures["sentry"])))


def comparison(ours: list[float], peer: list[float]) -> Comparison:
    return Comparison(spread(ours), spread(peer), spread([a / b for a, b in zip(ours, peer, strict=True)]))


def nanoseconds_a_task(folder: Path, url: str, variant: str) -> float:
    """Enqueue all, start a worker, and take the time from the first task to the last."""
    redis = Redis.from_url(url)
    redis.flushdb()
    settings = environment(folder, variant) | {"BENCH_REDIS": url}
    with worked_off(redis, folder, settings, TASKS):
        pass
    if variant == "jobreporter":
        assert int(redis.get(COUNT) or 0) == 3 * REPORTERS * (TASKS + 2), "a reporter has lost events"
    return nanoseconds_each(redis, TASKS)


@contextmanager
def worked_off(redis: Redis, folder: Path, settings: dict[str, str], tasks: int) -> Iterator[subprocess.Popen[bytes]]:
    """Enqueue all and start a worker, which has done them when the block begins, and ends with it."""
    enqueue = f"from _celery_app import *\nmark.delay()\nfor _ in range({tasks}): noop.delay(*ARGUMENTS)\nmark.delay()"
    subprocess.run([sys.executable, "-c", enqueue], env=settings | {"BENCH_VARIANT": "bare"}, check=True)
    celery = str(Path(sys.executable).with_name("celery"))
    options = ["--concurrency=2", "--loglevel=ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    worker = subprocess.Popen(
        [celery, "--quiet", "--app=_celery_app", "worker", *options],
        env=settings,
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while redis.llen(MARKS) < 2:
            assert time.monotonic() < deadline, "the worker does not get on"
            time.sleep(0.02)
        yield worker
        worker.send_signal(signal.SIGTERM)
        worker.wait(PATIENCE)
    finally:
        worker.kill()
        worker.wait()


def nanoseconds_each(redis: Redis, tasks: int) -> float:
    """The time from the first task to the last, for each."""
    first, last = sorted(map(float, redis.lrange(MARKS, 0, -1)))
    return (last - first) * 1e9 / tasks


def environment(folder: Path, variant: str) -> dict[str, str]:
    return os.environ | {
        "BENCH_VARIANT": variant,
        "JOBREPORTER_CONFIG": str(folder / ("idle.toml" if variant.endswith("idle") else "jobreporter.toml")),
        "PYTHONPATH": str(HERE),
    }


@contextmanager
def redis_server(folder: Path, *more: str) -> Iterator[str]:
    """A Redis for the length of a block, with more options if there are some."""
    program = shutil.which("redis-server")
    assert program, "there is no redis-server (Debian: apt install redis-server)"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    server = subprocess.Popen([program, *options, *more, "--logfile", str(folder / "redis.log")])
    try:
        redis = Redis(port=port)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                redis.ping()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.02)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    run(main)
