"""A password that is changed at the server, and in the file that the config names, while a worker and an agent run, with all that has a connection of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jobreporter import Dispatcher
from jobreporter._agent.agent import Agent
from jobreporter._agent.schedule_lane import NOTES
from jobreporter._config.load import load
from jobreporter._dispatch.wiring import survey
from jobreporter._stream.settings import resolve_stream
from jobreporter.testing import make_event, make_job
from tests.redis_servers import Server
from tests.stream_faults.fleet import PATIENCE, QuickClock
from tests.waiting import until


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Server]:
    server = Server("redis", tmp_path / "server", requirepass="before")
    yield server
    server.close()


@pytest.fixture
def config(guarded: Server, tmp_path: Path) -> Path:
    (tmp_path / "password").write_text("before")
    path = tmp_path / "jobreporter.toml"
    path.write_text(
        f'[stream]\nurl = "{guarded.url}"\npassword = {{ file = "{tmp_path}/password" }}\npartitions = 1\n[reporters.log]\n'
    )
    return path


def change(server: Server, path: Path) -> None:
    """Everywhere; and nobody stays connected."""
    with server.client(password="before") as client:  # noqa: S106 - of a server that lives for this test
        client.config_set("requirepass", "after")
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    path.with_name("password").write_text("after")


def publish(dispatcher: Dispatcher, name: str) -> None:
    dispatcher.publish(make_event("started", job=make_job(id=name)))


def test_a_worker_goes_on_with_the_new_one(guarded: Server, config: Path) -> None:
    """Nothing of what it had is lost, and it isn't started again."""
    with Dispatcher.from_config(config) as dispatcher:
        publish(dispatcher, "one")
        assert dispatcher.flush(20)
        change(guarded, config)
        publish(dispatcher, "two")
        assert dispatcher.flush(20)
    assert dispatcher.stats()["stream"].handled == 2


def test_an_agent_goes_on_with_the_new_one(guarded: Server, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And asks no more than four times a minute while it is refused."""
    clock = QuickClock()
    agent = Agent(survey(config, "agent").wiring(), resolve_stream(load(config).config), clock)
    refusals: list[Exception] = []
    real = agent.feeder._interrupted

    def noted(error: Exception) -> None:
        refusals.append(error)
        real(error)

    monkeypatch.setattr(agent.feeder, "_interrupted", noted)
    agent.feeder.turn()
    assert agent.feeder.trouble is None
    change(guarded, config)
    config.with_name("password").write_text("nobody's")
    began = clock.monotonic()
    while clock.monotonic() < began + 60:
        agent.feeder.turn()
    assert 1 <= len(refusals) <= 5, refusals
    assert "password" in str(agent.feeder.trouble)
    config.with_name("password").write_text("after")
    end = time.monotonic() + PATIENCE
    while agent.feeder.trouble is not None:
        assert time.monotonic() < end, agent.feeder.trouble
        agent.feeder.turn()
    agent.feeder.close()


@pytest.fixture
def running(guarded: Server, config: Path) -> Iterator[Agent]:
    """An agent whose relay and whose watch of schedules have connections of their own."""
    text = (
        config.read_text()
        + f"""[reporters.central]
use = "relay"
url = "sqlite://{config.parent}/central.db"
namespace = "all"
[schedules.hourly]
every = "1h"
"""
    )
    config.write_text(text)
    agent = Agent(survey(config, "agent").wiring(), resolve_stream(load(config).config), QuickClock())
    agent.start()
    yield agent
    agent.stop()


def hand_on(agent: Agent, config: Path, meanwhile: Callable[[], object]) -> None:
    """The relay of an agent hands on an event, and another one after what happens meanwhile."""
    with Dispatcher.from_config(config) as dispatcher:
        publish(dispatcher, "one")
        until(lambda: agent.stats()["central"].handled == 1)
        meanwhile()
        publish(dispatcher, "two")
        until(lambda: agent.stats()["central"].handled == 2)


def test_a_relay_goes_on_with_the_new_one(running: Agent, guarded: Server, config: Path) -> None:
    """Its connection to the stream that it reads is one of its own."""
    hand_on(running, config, lambda: change(guarded, config))


def test_a_relay_goes_on_with_the_new_one_of_its_target(guarded: Server, config: Path) -> None:
    """It is another server's, whose password is in a file of its own."""
    source = config.with_name("source.toml")
    reference = f'{{ file = "{config.parent}/password" }}'
    source.write_text(
        f'[stream]\nurl = "sqlite://{config.parent}/source.db"\n'
        f'[reporters.central]\nuse = "relay"\nurl = "{guarded.url}"\npassword = {reference}\n'
    )
    agent = Agent(survey(source, "agent").wiring(), resolve_stream(load(source).config), QuickClock())
    agent.start()
    try:
        hand_on(agent, source, lambda: change(guarded, config))
    finally:
        agent.stop()


def test_the_watch_of_schedules_goes_on_with_the_new_one(running: Agent, guarded: Server, config: Path) -> None:
    """It goes on saying when it last looked, on a connection of its own."""

    def notes(password: str) -> int:
        with guarded.client(password=password) as client:
            found = [value for name, value in beats(client).items() if name == NOTES]
        return int(found[0].split(b" ")[0]) if found else 0

    until(lambda: notes("before"))
    before = notes("before")
    change(guarded, config)
    until(lambda: notes("after") > before + 2)


def beats(client: Any) -> dict[bytes, bytes]:
    (key,) = client.keys("*:b")
    found: dict[bytes, bytes] = client.hgetall(key)
    return found
