"""Agents as processes: how soon another one takes over, and what one costs that has nothing to do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from _consumers import celery_monitor
from _program import Report
from _rounds import compare
from _row import Row, result
from _stream_events import events
from _stream_ours import Producer, opened, stream_config
from redis import Redis

from jobreporter import Event, hookimpl

HERE = Path(__file__).parent
#: Where `Telling` writes to.
TOLD = "BENCH_TOLD"
#: Seconds between two events while an agent is killed, and that it may take.
EVERY, PATIENCE = 0.02, 60.0
#: Seconds of a lease.
LEASE = 10.0


class Telling:
    """A reporter that writes down who got an event."""

    def __init__(self) -> None:
        self._file = open(os.environ[TOLD], "ab", buffering=0)  # noqa: SIM115 - as long as the process lives

    @hookimpl
    def handle_started(self) -> None:
        self._file.write(b"%d\n" % os.getpid())


@contextmanager
def agent(config: Path, told: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``jobreporter agent`` in a process of its own."""
    command = [sys.executable, "-m", "jobreporter", "--config", str(config), "agent"]
    environment = os.environ | {TOLD: str(told), "PYTHONPATH": str(HERE)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
    finally:
        process.kill()
        process.wait()


def fail_over(report: Report, rounds: int, url: str) -> None:
    """From the kill of the agent that has the lease to the first event that another one gets."""
    row = Row(what=f"a killed agent's work goes on, lease {LEASE:.0f} s", peer=f"XAUTOCLAIM, idle {LEASE:.0f} s")
    report.add(result(row, compare(lambda: taken_over(url), lambda: claimed(url), rounds, warm_up=0)))


def taken_over(url: str) -> float:
    Redis.from_url(url).flushdb()
    with tempfile.TemporaryDirectory() as name:
        told = Path(name) / "told"
        told.touch()
        config = stream_config(Path(name), url, use="_stream_agents:Telling")
        producer = opened(config)
        started = events(1)[:1]
        with agent(config, told) as one, agent(config, told) as other:
            pids = {one.pid: one, other.pid: other}
            first = next(who for who in tellers(told, producer, started) if who in pids)
            pids[first].kill()
            begin = time.perf_counter_ns()
            next(who for who in tellers(told, producer, started) if who != first)
            return float(time.perf_counter_ns() - begin)


def tellers(told: Path, producer: Producer, started: Sequence[Event]) -> Iterator[int]:
    """Who gets an event, again and again, while some are appended."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        producer.append(started)
        time.sleep(EVERY)
        if lines := told.read_bytes().split():
            yield int(lines[-1])
    raise AssertionError("no agent gets on")


def claimed(url: str) -> float:
    """A consumer that was handed an entry is gone; another one asks for what has been idle, ten times a second."""
    redis = Redis.from_url(url)
    redis.flushdb()
    redis.xgroup_create("bare", "group", id="0", mkstream=True)
    redis.xadd("bare", {"d": b"{}"})
    redis.xreadgroup("group", "one", {"bare": ">"})
    begin = time.perf_counter_ns()
    while not redis.xautoclaim("bare", "group", "other", int(LEASE * 1000))[1]:
        time.sleep(0.1)
    return float(time.perf_counter_ns() - begin)


def idle(report: Report, seconds: float, url: str) -> None:
    """The processor time of a second in which nothing comes."""
    Redis.from_url(url).flushdb()
    monitor = celery_monitor(url)
    for what, where in (("spool and SQLite", None), ("Redis", url)):
        with tempfile.TemporaryDirectory() as name:
            told = Path(name) / "told"
            told.touch()
            config = stream_config(Path(name), where, use="_stream_agents:Telling")
            producer = opened(config)
            with agent(config, told) as process:
                next(tellers(told, producer, events(1)[:1]))
                producer.close()
                time.sleep(1.0)  # it settles
                row = Row(what=f"a second of an idle agent, {what}", peer="a monitor of Celery's events")
                ours, theirs = partial(spent, process.pid, seconds), partial(spent, monitor.pid, seconds)
                report.add(result(row, compare(ours, theirs, 3, warm_up=0)))
    monitor.close()


def spent(pid: int, seconds: float) -> float:
    """Nanoseconds of processor time that a process spends in a second."""
    before, begin = processor_time(pid), time.monotonic()
    time.sleep(seconds)
    return (processor_time(pid) - before) / (time.monotonic() - begin)


def processor_time(pid: int) -> int:
    """Nanoseconds that the threads of a process have run, by the kernel's account."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))
