"""What the stream's scale was measured at, kept in docs/scale.json."""

from __future__ import annotations

import msgspec
from _results import FILE as SPEED
from _results import rounded

FILE = SPEED.with_name("scale.json")


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What an event takes in appends of one size. Processor time in seconds, and bytes."""

    #: Of the worker, and of Redis, to append it.
    worker: float
    append: float
    #: Of Redis, and of the agent, to hand it to one reporter; of the agent for six, by reporter.
    serve: float
    agent: float
    agent_of_six: float
    #: Of Redis' memory, of what counts against ``max_bytes``, of Redis' append-only file, of a spool's file.
    memory: float
    data: float
    written: float
    spool: float
    #: Of the agent that takes it out of a spool, and hands it to one reporter out of SQLite.
    agent_with_spool: float


class Fleetwide(msgspec.Struct, frozen=True, kw_only=True):
    """What comes with many processes. Bytes of Redis' memory, and seconds of an agent's processor time."""

    #: How many it was measured with.
    processes: int
    producer: float
    connection: float
    open_execution: float
    look_at_producers: float
    look_at_executions: float


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """An outage in small, with two agents that were killed: one in it, one while it was made good."""

    events: int
    lost: int
    duplicates: int
    #: Bytes that the agent had in use at most.
    agent_memory: float


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """All of it, with where and with what it was measured."""

    machine: str
    versions: dict[str, str]
    events: int
    shapes: dict[str, Shape]
    fleet: Fleetwide
    rehearsal: Rehearsal


def load() -> Scale:
    return msgspec.json.decode(FILE.read_bytes(), type=Scale)


def save(scale: Scale) -> None:
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(rounded(scale)), indent=1) + b"\n")
