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

from _celery_app import COUNT, MARKS
from _rounds import Spread, spread
from redis import Redis

HERE = Path(__file__).parent
#: Tasks of one measurement, and how often each side is measured.
TASKS, ROUNDS = 1_000, 7
#: The same for tasks that are traced in one process.
TRACED, TRACED_ROUNDS = 4_000, 15
REPORTERS = 3
PATIENCE = 120.0

CONFIG = "".join(f'[reporters.counting-{number}]\nuse = "_celery_app:Counting"\n' for number in range(REPORTERS))


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "jobreporter.toml").write_text(CONFIG)
        per_task(folder)
        with redis_server(folder) as url:
            throughput(folder, url)


def per_task(folder: Path) -> None:
    """What each watcher adds to a task in the process that runs it: one process each, measured in turn."""
    variants = ("bare", "jobreporter", "sentry", "sentry-tracing")
    figures: dict[str, list[float]] = {variant: [] for variant in variants}
    command = [sys.executable, str(HERE / "_celery_app.py"), str(TRACED_ROUNDS), str(TRACED)]
    processes = {
        variant: subprocess.Popen(
            command, env=environment(folder, variant), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for variant in variants
    }
    # Each waits for its turn: it measures, prints, and stops until it is asked again.
    for number in range(TRACED_ROUNDS):
        for variant in variants if number % 2 else reversed(variants):
            process = processes[variant]
            assert process.stdout is not None
            assert process.stdin is not None
            figures[variant].append(float(process.stdout.readline()))
            process.stdin.write("\n")
            process.stdin.flush()
    for process in processes.values():
        process.communicate()
    rounds = list(zip(*figures.values(), strict=True))
    for variant in variants:
        print(f"{variant}: {spread(figures[variant]).median / 1e3:.1f} us a task")
    for peer in (2, 3):
        ratio = spread([(row[1] - row[0]) / (row[peer] - row[0]) for row in rounds])
        print(f"jobreporter adds {told(ratio)} of what {variants[peer]} adds")
    print(f"jobreporter adds {spread([row[1] - row[0] for row in rounds]).median / 1e3:.2f} us a task")


def throughput(folder: Path, url: str) -> None:
    """Tasks a second through a worker with two children."""
    variants = ("bare", "jobreporter", "sentry")
    figures: dict[str, list[float]] = {variant: [] for variant in variants}
    for number in range(ROUNDS):
        for variant in variants if number % 2 else reversed(variants):
            figures[variant].append(tasks_a_second(folder, url, variant))
    rounds = list(zip(*figures.values(), strict=True))
    for variant in variants:
        print(f"{variant}: {spread(figures[variant]).median:.0f} tasks a second")
    for index in (1, 2):
        print(f"{variants[index]}: {told(spread([row[index] / row[0] for row in rounds]))} of bare")


def tasks_a_second(folder: Path, url: str, variant: str) -> float:
    """Enqueue all, start a worker, and take the time from the first task to the last."""
    redis = Redis.from_url(url)
    redis.flushdb()
    settings = environment(folder, variant) | {"BENCH_REDIS": url}
    enqueue = f"from _celery_app import *\nmark.delay()\nfor _ in range({TASKS}): noop.delay(*ARGUMENTS)\nmark.delay()"
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
        worker.send_signal(signal.SIGTERM)
        worker.wait(PATIENCE)
    finally:
        worker.kill()
        worker.wait()
    if variant == "jobreporter":
        assert int(redis.get(COUNT) or 0) == 3 * REPORTERS * (TASKS + 2), "a reporter has lost events"
    first, last = sorted(map(float, redis.lrange(MARKS, 0, -1)))
    return TASKS / (last - first)


def environment(folder: Path, variant: str) -> dict[str, str]:
    return os.environ | {
        "BENCH_VARIANT": variant,
        "JOBREPORTER_CONFIG": str(folder / "jobreporter.toml"),
        "PYTHONPATH": str(HERE),
    }


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A Redis for the length of a block."""
    program = shutil.which("redis-server")
    assert program, "there is no redis-server (Debian: apt install redis-server)"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    server = subprocess.Popen([program, *options, "--logfile", str(folder / "redis.log")])
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


def told(ratio: Spread) -> str:
    return f"{ratio.median:.3f} ({ratio.low:.3f} to {ratio.high:.3f})"


if __name__ == "__main__":
    main()
