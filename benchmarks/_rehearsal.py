"""An outage in small: a vendor that is down and comes back, and agents that are killed in it and after it."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from _scale_results import Rehearsal
from _stream_agents import TOLD, agent
from _stream_events import events
from _stream_ours import opened, stream_config
from redis import Redis

from jobreporter import Event, TryAgain, hookimpl

#: Seconds that each step may take.
PATIENCE = 300.0


class Vendor:
    """A reporter that writes down what it has delivered. While a file ``down`` is beside that, it can't."""

    @hookimpl
    def reporter_start(self) -> list[str]:
        return []

    @hookimpl
    def handle_started(self, meta: Event, state: list[str]) -> None:
        state.append(f"{meta.job.id} started\n")

    @hookimpl
    def handle_success(self, meta: Event, state: list[str]) -> None:
        state.append(f"{meta.job.id} success\n")

    @hookimpl
    def handle_failure(self, meta: Event, state: list[str]) -> None:
        state.append(f"{meta.job.id} failure\n")

    @hookimpl
    def handle_stopped(self, meta: Event, state: list[str]) -> None:
        state.append(f"{meta.job.id} stopped\n")

    @hookimpl
    def reporter_flush(self, state: list[str]) -> None:
        told = Path(os.environ[TOLD])
        if told.with_name("down").exists():
            told.with_name("tried").touch()
            raise TryAgain
        with told.open("a") as file:
            file.writelines(state)
        state.clear()


def rehearse(url: str, jobs: int) -> Rehearsal:
    """Every job's events are appended while the vendor is down."""
    Redis.from_url(url).flushdb()
    expected = 3 * jobs
    with tempfile.TemporaryDirectory() as name:
        told, down = Path(name) / "told", Path(name) / "down"
        told.touch()
        down.touch()
        config = stream_config(Path(name), url, use="_rehearsal:Vendor")
        producer = opened(config)

        def delivered() -> list[str]:
            return told.read_text().splitlines()

        with agent(config, told) as first:
            for event in events(jobs):
                producer.append([event])
            wait_until(told.with_name("tried").exists)
            first.kill()
        down.unlink()
        with agent(config, told) as second:
            wait_until(lambda: len(delivered()) >= expected // 3)
            memory = most_in_use(second.pid)
            second.kill()
        with agent(config, told):
            wait_until(lambda: len(set(delivered())) >= expected)
        producer.close()
        found = delivered()
    return Rehearsal(
        events=expected,
        lost=expected - len(set(found)),
        duplicates=len(found) - len(set(found)),
        agent_memory=memory,
    )


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "the rehearsal does not get on"
        time.sleep(0.02)


def most_in_use(pid: int) -> float:
    """Bytes of a process that were in memory at a time."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return float(line.split()[1]) * 1024
    return 0.0
