"""What ``jobreporter check`` finds, as it is shown to people and given to programs."""

from __future__ import annotations

from typing import Literal

import msgspec

from jobreporter._cli._settings import Setting
from jobreporter.errors import Fault

#: ``ok``: it was started, took what was sent, flushed and stopped. ``running``: this config's own worker has its port,
#: so it wasn't tried here. ``off``: switched off. ``wrong``: the config is, for it. ``broken``: it can't be loaded, or a
#: reference leads nowhere. ``failed``: it was tried, and did not work.
Status = Literal["ok", "running", "off", "wrong", "broken", "failed"]

WORKS: tuple[Status, ...] = ("ok", "running", "off")


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong, with where it stands. Every field but the sentence may be null."""

    problem: str
    file: str | None = None
    line: int | None = None
    table: str | None = None
    key: str | None = None
    #: File, line and table as one text.
    where: str

    @classmethod
    def of(cls, fault: Fault) -> Problem:
        """What a fault of the config says."""
        where, problem, file, line, table, key = fault
        return cls(where=where, problem=problem, file=file, line=line, table=table, key=key)

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


class ReporterReport(msgspec.Struct, frozen=True, kw_only=True):
    """One reporter of the config."""

    name: str
    use: str
    #: What provides it; null for the application's own code, and where that isn't known.
    distribution: str | None = None
    version: str | None = None
    status: Status
    #: What was done with it, or what switched it off, or who has its port.
    detail: str
    #: What is wrong with it.
    problems: list[str] = []
    #: The kinds of events that were sent through it.
    sent: list[str] = []
    #: How long it took.
    seconds: float | None = None


class AppReport(msgspec.Struct, frozen=True, kw_only=True):
    """The application that ``--app`` named."""

    name: str
    #: The job queue that it belongs to: ``celery``, ``dramatiq``, ``huey``, ``rq``, or an
    #: installed source's own name; null where it isn't known.
    source: str | None = None
    attached: bool
    detail: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of it, as ``jobreporter check --json`` prints it. Fields are only added."""

    #: Whether the exit code is 0.
    ok: bool
    #: The same in a sentence.
    summary: str
    #: jobreporter's own.
    version: str
    #: The config file; null without one.
    config: str | None
    #: What stops a worker.
    faults: list[Problem]
    #: What a worker only logs.
    warnings: list[Problem]
    #: What is right in itself, and may be worth knowing.
    notes: list[str]
    reporters: list[ReporterReport]
    app: AppReport | None = None
    settings: list[Setting] = []
