"""The store itself, and the processes that write it."""

from __future__ import annotations

from typing import Any

import msgspec


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """A release of a program. They are ordered by when they were first seen."""

    service: str
    environment: str
    release: str
    first_seen: float


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """A process that reports."""

    host: str
    pid: int
    service: str
    environment: str
    release: str | None
    #: Of jobreporter.
    version: str
    #: Whether it is a `jobreporter agent`.
    agent: bool
    started_at: float
    #: Its last sign of life.
    seen_at: float
    #: The ledger of each reporter, by name: the fields of `jobreporter.LaneStats`.
    ledger: dict[str, dict[str, Any]]


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """A ``[schedules.NAME]``, and how its runs fare."""

    name: str
    job: str
    source: str = ""
    queue: str = ""
    #: As the config says it.
    cron: str | None = None
    every: float | None = None
    timezone: str = "UTC"
    #: Seconds that a run may be late.
    grace: float
    #: When the keeper last looked whether runs came.
    looked_at: float
    #: The latest run of the job: its start, or its end where no start was seen.
    last_run: float | None = None
    #: ``success``, ``aborted``, ``failure`` or ``running``.
    last_outcome: str | None = None
    #: When the last run was due.
    last_due: float | None = None
    next_due: float | None = None
    #: Whether the keeper has looked within the last minute. Otherwise nobody knows how its runs fare.
    watched: bool = True
    #: Seconds since a due run that has not come, within its grace or beyond; ``None`` where nobody knows.
    late: float | None = None
    #: How many runs in a row were missed.
    missed: int = 0


class Damage(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was damaged, and put aside."""

    at: float
    #: Where it is now; `jobreporter history recover` reads it.
    path: str
    problem: str


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How the store fares."""

    #: Without a password.
    url: str
    engine: str
    schema: int
    #: What it takes on the disk, without what is free inside.
    bytes: int
    max_bytes: int | None = None
    #: From when on executions are kept.
    oldest_success: float | None = None
    oldest_failure: float | None = None
    #: When a process that writes it last showed a sign of life.
    written_at: float | None = None
    #: Whether it is read without a writer's help, so that changes are not seen.
    immutable: bool = False
    damaged: tuple[Damage, ...] = ()
