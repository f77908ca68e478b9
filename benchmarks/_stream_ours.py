"""The stream: outlets as a worker's lane has them, and an agent as ``jobreporter agent`` runs it."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jobreporter import Event, Origin
from jobreporter._agent.agent import Agent
from jobreporter._config.load import load
from jobreporter._dispatch.wiring import survey
from jobreporter._stream.outlets import DirectOutlet, Outlet, SpoolOutlet
from jobreporter._stream.settings import StreamConfig, resolve_stream
from jobreporter._stream.spool_writer import SpoolWriter

ORIGIN = Origin(service="shop", environment="production", release="1.0", host="web-1", pid=7, version="0.1.0")
#: Seconds: an agent that has not settled everything by then has lost events.
PATIENCE = 600.0
_LOOK = 0.05


def stream_config(folder: Path, url: str | None, reporters: int = 1, use: str = "_ours:Counting") -> Path:
    """A config with a stream on Redis, or on SQLite with its spool in the folder where there is no URL."""
    path = folder / f"{'sqlite' if url is None else 'redis'}-{reporters}-{use.partition(':')[0]}.toml"
    tables = "".join(f'[reporters.counting-{number}]\nuse = "{use}"\n' for number in range(reporters))
    where = url or f"sqlite://{folder}/stream.db"
    path.write_text(
        f'[stream]\nurl = "{where}"\nnamespace = "bench"\nmax_bytes = "4GB"\nspool_max_bytes = "4GB"\n{tables}'
    )
    return path


def resolved(config: Path) -> StreamConfig:
    return resolve_stream(load(config).config)


class Producer:
    """One process's way into the stream."""

    def __init__(self, stream: StreamConfig) -> None:
        producer = os.urandom(8)
        self.outlet: Outlet
        if stream.spool is None:
            self.outlet = DirectOutlet(stream.open(), producer, ORIGIN, refuse_loss, {})
        else:
            writer = SpoolWriter(stream.spool, producer, max_bytes=stream.options.spool_max_bytes)
            self.outlet = SpoolOutlet(writer, producer, ORIGIN, refuse_loss, {})

    def append(self, events: Sequence[Event]) -> None:
        """They are in the stream, or in the spool, when this returns."""
        self.outlet.add(events)
        self.outlet.flush()

    def close(self) -> None:
        self.outlet.close()


def opened(config: Path) -> Producer:
    return Producer(resolved(config))


def refuse_loss(reason: str, count: int) -> None:
    raise AssertionError(f"{count} events are lost: {reason}")


class Drained(NamedTuple):
    """What it took an agent to hand out and settle what waited."""

    #: By the clock.
    seconds: float
    #: Of this process' processor time.
    processor: float


def drain(config: Path, expected: int) -> Drained:
    """Have an agent in this process settle so many events for each of its reporters."""
    agent = Agent(survey(str(config), "agent").wiring(), resolved(config))
    begin, used = time.perf_counter(), time.process_time()
    agent.start()
    names = {lane.name for lane in agent.lanes}
    while True:
        time.sleep(_LOOK)
        ledgers = [each for each in agent.feeder.fresh_ledgers() if each.reporter in names]
        if sum(each.handled for each in ledgers) >= expected * len(names):
            break
        assert time.perf_counter() - begin < PATIENCE, "the agent does not get on"
    found = Drained(time.perf_counter() - begin, time.process_time() - used)
    agent.stop()
    return found
