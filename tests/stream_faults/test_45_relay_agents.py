"""Relays in whole agents: a worker, the agent of its machine, a stream for all, and the agent that reports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from jobreporter import Dispatcher
from jobreporter._agent import relay_side
from jobreporter._agent.agent import Agent
from jobreporter._dispatch.wiring import survey
from jobreporter._stream.settings import resolve_stream
from jobreporter.testing import CommandLine, make_event, make_job, read_calls
from tests.stream_faults.fleet import PATIENCE

HOST = """
[context]
service = "shop"
release = "of the host"
[stream]
url = "sqlite://{folder}/host.db"
[reporters.near]
use = "jobreporter.testing:FileRecorder"
path = "{folder}/near.jsonl"
[reporters.central]
use = "relay"
url = {{ env = "TARGET_URL" }}
namespace = "central"
"""
CENTRAL = """
[context]
service = "central"
release = "of the agents"
[stream]
url = {{ env = "TARGET_URL" }}
[reporters.far]
use = "far:Far"
path = "{folder}/far.jsonl"
"""
FAR = """
from jobreporter import hookimpl
from jobreporter.testing import FileRecorder

class Far(FileRecorder):
    @hookimpl
    def handle_started(self, meta, state, origin):
        assert (origin.service, origin.release) == ("shop", "of the host"), origin
        self._append("handle_started", state, meta)
        return state + 1
"""


class Shop:
    """A machine with workers, and the centre."""

    def __init__(self, cli: CommandLine, url: str) -> None:
        self.folder = cli.folder
        self.cli = cli
        cli.module("far", FAR)
        self.host, self.central = (self.folder / name for name in ("host.toml", "central.toml"))
        self.host.write_text(HOST.format(folder=self.folder))
        self.central.write_text(CENTRAL.format(folder=self.folder))
        self.environ = {**cli.environ, "TARGET_URL": url}
        self.count = 0

    @contextmanager
    def agent(self, config: Path) -> Iterator[subprocess.Popen[bytes]]:
        with open(self.folder / "log", "ab") as log:
            environ = {**self.environ, "JOBREPORTER_CONFIG": str(config)}
            command = [sys.executable, "-m", "jobreporter", "agent"]
            with subprocess.Popen(command, cwd=self.folder, env=environ, stderr=log) as agent:
                try:
                    yield agent
                finally:
                    if agent.poll() is None:
                        agent.kill()

    def publish(self, count: int) -> None:
        """As a worker does."""
        with Dispatcher.from_config(self.host) as dispatcher:
            for _ in range(count):
                self.count += 1
                job = make_job(id=f"job-{self.count}", name="work")
                dispatcher.publish(make_event("started", job=job))
                dispatcher.publish(make_event("stopped", job=job))
            assert dispatcher.flush(20)

    def arrived(self, name: str = "far") -> Counter[tuple[str, str]]:
        calls = read_calls(self.folder / f"{name}.jsonl") if (self.folder / f"{name}.jsonl").exists() else []
        return Counter((each.job.id, each.hook) for each in calls if each.job is not None)

    def until(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + 3 * PATIENCE
        while not condition():
            assert time.monotonic() < end, (self.folder / "log").read_text()
            time.sleep(0.05)

    def status(self, config: Path) -> dict[str, Any]:
        done = self.cli.run(
            "--config", str(config), "stream", "status", "--json", TARGET_URL=self.environ["TARGET_URL"]
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture
def shop(cli: CommandLine, engine_and_url: tuple[Any, str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("TARGET_URL", engine_and_url[1])
    return Shop(cli, engine_and_url[1])


def test_from_a_worker_to_a_central_reporter(shop: Shop) -> None:
    """Each event once, with its worker's origin, also where the machine's agent is killed on the way."""
    with shop.agent(shop.central) as central:
        shop.until(lambda: "the agent runs far" in (shop.folder / "log").read_text())
        with shop.agent(shop.host) as first:
            shop.publish(50)
            shop.until(shop.arrived)
            first.kill()
        shop.publish(50)
        with shop.agent(shop.host) as second:
            shop.until(lambda: len(shop.arrived()) == 200)
            shop.publish(5)
            shop.until(lambda: len(shop.arrived()) == 210)
            (told,) = [each for each in shop.status(shop.central)["relays"] if each["pid"] == second.pid]
            assert told["service"] == "shop"
            second.send_signal(signal.SIGTERM)
            assert second.wait(30) == 0
        central.send_signal(signal.SIGTERM)
        assert central.wait(30) == 0
    assert set(shop.arrived().values()) == {1}
    ledgers = {each["name"]: each for each in shop.status(shop.host)["reporters"]}
    assert (ledgers["central"]["handled"], ledgers["central"]["pending"]) == (210, 0)
    assert ledgers["near"]["handled"] == 210
    assert second.pid not in {each["pid"] for each in shop.status(shop.host)["agents"]}


def test_once(shop: Shop) -> None:
    """It hands on what is there and ends; then the centre's does. Where the target is away, it says that something stayed."""
    shop.host.write_text(
        shop.host.read_text() + "[reporters.central.lane]\ntimeout = 1\n[reporters.near.lane]\ntimeout = 1\n"
    )
    shop.publish(10)
    away = shop.cli.run("--config", str(shop.host), "agent", "--once", TARGET_URL=f"sqlite://{shop.folder}/none/of.db")
    assert away.returncode == 1
    central = {"TARGET_URL": shop.environ["TARGET_URL"]}
    assert shop.cli.run("--config", str(shop.host), "agent", "--once", **central).returncode == 0
    assert shop.cli.run("--config", str(shop.central), "agent", "--once", **central).returncode == 0
    assert set(shop.arrived().values()) == {1}
    assert len(shop.arrived()) == 20


def test_a_command_asks_for_the_relay_as_for_any_reporter(shop: Shop) -> None:
    """It can be rewound, though its target gets nothing twice, and forgotten."""
    shop.publish(3)
    environ = {"TARGET_URL": shop.environ["TARGET_URL"]}

    def run(*words: str) -> str:
        done = shop.cli.run("--config", str(shop.host), *words, **environ)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    run("agent", "--once")
    assert json.loads(run("stream", "rewind", "central", "--to", "oldest", "--json"))["pending"] == 6
    run("agent", "--once")
    assert json.loads(run("stream", "status", "--json"))["reporters"][0]["handled"] == 6
    run("stream", "forget", "central")
    assert [each["name"] for each in shop.status(shop.host)["reporters"]] == ["near"]
    shop.cli.run("--config", str(shop.central), "agent", "--once", **environ)
    assert len(shop.arrived()) == sum(shop.arrived().values()) == 6


def test_an_agent_tells_how_its_relay_fares(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In `stats()`, with why it can't go on; and it ends in time all the same."""
    monkeypatch.setattr(relay_side, "REFUSED_FOR", 0.5)
    shop.host.write_text(shop.host.read_text().replace('{ env = "TARGET_URL" }', f'"sqlite://{tmp_path}/none/of.db"'))
    shop.publish(3)
    wiring = survey(shop.host, "agent").wiring()
    agent = Agent(wiring, resolve_stream(wiring.config))
    agent.start()
    try:
        shop.until(lambda: agent.stats()["central"].pending == 6 and agent.stats()["near"].handled == 6)
        stats = agent.stats()["central"]
        assert stats.status == "broken"
        assert "none/of.db" in (stats.reason or "")
        os.mkdir(tmp_path / "none")
        shop.until(lambda: agent.stats()["central"].handled == 6)
        assert (agent.stats()["central"].status, agent.stats()["central"].reason) == ("running", None)
    finally:
        assert agent.stop()
