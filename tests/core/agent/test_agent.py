"""An agent as a whole: what it tells its reporters, other agents and people."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobreporter import Context, Dispatcher, Job, Origin, hookimpl
from jobreporter._agent.agent import Agent, _digest
from jobreporter._agent.status import status_of
from jobreporter._config.load import load
from jobreporter._dispatch.wiring import Wiring, survey
from jobreporter._stream.settings import StreamConfig, resolve_stream
from jobreporter.testing import CommandLine

CONFIG = """
[context]
service = "{service}"
[stream]
url = "sqlite://{folder}/stream.db"
{stream}
[reporters.curious]
use = "{use}"
{options}
"""

contexts: list[Context] = []


class Curious:
    """Keeps what it is told of where it runs."""

    @hookimpl
    def reporter_start(self, context: Context) -> None:
        contexts.append(context)

    @hookimpl
    def reporter_tick(self) -> None:
        """It wants no events."""


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


class Shop:
    """A folder with a stream, and agents that were started with configs of the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.agents: list[Agent] = []

    def config(
        self, *, service: str = "shop", stream: str = "", options: str = "", use: str = f"{__name__}:Curious"
    ) -> Path:
        path = self.folder / f"{len(list(self.folder.iterdir()))}.toml"
        path.write_text(CONFIG.format(folder=self.folder, service=service, stream=stream, options=options, use=use))
        return path

    def resolved(self, **said: str) -> StreamConfig:
        return resolve_stream(load(self.config(**said)).config)

    def agent(self, **said: str) -> Agent:
        """One that runs; its first look at the others is over."""
        path = self.config(**said)
        self.agents.append(Agent(survey(path, "agent").wiring(), resolve_stream(load(path).config)))
        agent = self.agents[-1]
        agent.start()
        until(agent.agents)
        return agent


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    contexts.clear()
    made = Shop(tmp_path)
    yield made
    for agent in made.agents:
        agent.stop()


def test_a_reporter_knows_what_runs_and_in_which_process(shop: Shop) -> None:
    """The context's own origin is the agent's."""
    worker = Dispatcher.from_config(shop.config(service="tills"))
    execution = worker.begin("charge", source="python")
    assert worker.flush(20)
    shop.agent(service="agents")
    until(lambda: contexts and contexts[0].running())
    [running] = contexts[0].running()
    assert running.started == contexts[0].open()[0]
    assert (running.started.job.name, running.origin.service) == ("charge", "tills")
    assert contexts[0].origin.service == "agents"
    execution.succeed()
    execution.stop()
    worker.close(20)


class Counting:
    """Keeps whose each job is, as its handlers are told."""

    @hookimpl
    def handle_started(self, job: Job, origin: Origin) -> None:
        origins.append((job.name, origin))

    @hookimpl
    def handle_stopped(self, job: Job, origin: Origin) -> None:
        origins.append((job.name, origin))


origins: list[tuple[str, Origin]] = []


def test_each_event_comes_with_the_process_that_published_it(shop: Shop) -> None:
    """Of two workers whose events alternate in one agent, none is taken for the other, nor for the agent."""
    origins.clear()
    workers = {name: Dispatcher.from_config(shop.config(service=name)) for name in ("tills", "mails")}
    for _ in range(3):
        for name, worker in workers.items():
            worker.begin(name, source="python").stop()
            assert worker.flush(20)
    shop.agent(service="agents", use=f"{__name__}:Counting")
    until(lambda: len(origins) == 12)
    for worker in workers.values():
        worker.close(20)
    assert [origin.service for _, origin in origins] == [name for name, _ in origins]
    assert {name for name, _ in origins} == {"tills", "mails"}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({}, {}, True),
        ({}, {"service": "another"}, True),
        ({"options": "limit = 1\nnames = ['a']"}, {"options": "names = ['a']\nlimit = 1"}, True),
        ({"options": "limit = 1"}, {"options": "limit = 2"}, False),
        ({"options": "table = { a = 1 }"}, {"options": "table = { a = 2 }"}, False),
        ({"options": "since = 2026-01-01"}, {"options": "since = 2026-01-02"}, False),
        ({"options": "key = { env = 'A' }"}, {"options": "key = { env = 'B' }"}, False),
        ({"options": "when.attempts = 'final'"}, {}, False),
        ({"stream": "max_age = '1d'"}, {"stream": "max_age = '2d'"}, False),
        ({"stream": "spool = 'a'"}, {"stream": "spool = 'b'"}, True),
    ],
)
def test_agents_know_each_others_configs_by_what_they_say(
    shop: Shop, one: dict[str, str], other: dict[str, str], same: bool
) -> None:
    """By the values too, and not by their order, nor by what may differ from machine to machine."""
    digests = {_digest(_wiring(shop.config(**said))) for said in (one, other)}
    assert (len(digests) == 1) == same


def _wiring(path: Path) -> Wiring:
    """The wiring of a config, whatever its plugins think of their options."""
    return survey(path, "agent")._replace(faults=()).wiring()


def test_different_configs_are_told(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """By the agents, to their reporters, and by status and check."""
    with caplog.at_level(logging.WARNING):
        first = shop.agent()
        assert [each.same_config for each in first.agents()] == [True]
        second = shop.agent(options="when.attempts = 'final'")
        until(lambda: len(first.agents()) == 2)
    assert sorted(each.same_config for each in second.agents()) == [False, True]
    assert sorted(each.same_config for each in contexts[0].agents()) == [False, True]
    assert {each.reporters for each in second.agents()} == {("curious",)}
    assert "other agents of this stream were started with another config" in caplog.text
    resolved = shop.resolved()
    opened = resolved.open()
    [warning] = status_of(opened, resolved).warnings
    opened.close()
    assert warning.startswith("agents run with 2 different configs, so that it is chance which of them counts: ")


def test_a_starting_agent_tells_of_partitions_that_have_no_effect(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """Once: the stream's own number counts."""
    shop.agent(stream="partitions = 2").stop()
    assert "has no effect" not in caplog.text
    shop.agent(stream="partitions = 3")
    assert caplog.text.count("the stream: partitions = 3 has no effect: the stream was made with 2") == 1


def test_status_tells_what_came_of_the_spool(tmp_path: Path) -> None:
    """What was torn off there is counted nowhere else."""
    shop = Shop(tmp_path)
    with Dispatcher.from_config(shop.config()) as worker:
        with worker.begin("charge"):
            pass
        assert worker.flush(20)
    torn = next(path for path in (tmp_path / "stream.db.d").iterdir() if path.is_file())
    torn.write_bytes(torn.read_bytes() + b"\x40\x00\x00\x00half")
    agent = shop.agent()
    try:
        until(lambda: next(iter(agent.feeder.agents.values())).taken_in.get("torn"))
        line = CommandLine(tmp_path)
        line.config(shop.config().read_text())
        done = line.run("stream", "status")
    finally:
        agent.stop()
    assert re.search(r"; of its spool: [1-3] records?, 8 bytes torn", done.stdout), done.stdout


def test_without_a_stream_nothing_is_known_of_others() -> None:
    """Nor in a worker, whatever stream it has."""
    context = Context(host="h", pid=1, version="1", stats=dict)
    assert (context.running(), context.agents()) == ([], [])
    assert isinstance(context.origin, Origin)
