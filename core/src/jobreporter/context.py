"""Where a reporter runs, and how its lane and its neighbours fare."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal
from urllib.parse import quote

import msgspec

from jobreporter.events import Job, Started
from jobreporter.schedules import Schedule

LaneStatus = Literal["running", "backing_off", "wedged", "broken", "closed"]


class LaneStats(msgspec.Struct, frozen=True, kw_only=True):
    """One reporter's ledger in this process.

    ``accepted = handled + failed + filtered + dropped + dead + expired + unknown + pending``; all counts are of events
    since the process began to report.
    """

    #: Events that were published.
    accepted: int = 0
    #: Events that the reporter took without raising and, where it has a ``reporter_flush``, that were flushed after that.
    handled: int = 0
    #: Events that it crashed on or hung on, that it found undeliverable, or that were lost with its state before a flush.
    failed: int = 0
    #: Events that it didn't want: kept back by ``when``, or of a kind that it has no hook for.
    filtered: int = 0
    #: Events that were lost before it saw them, by reason: ``capacity`` (its buffer was full), ``ingress`` (more came
    #: than the pump could take), ``echo`` (published by a reporter), ``repeated`` (an execution that had ended),
    #: ``invalid`` (published raw, and no event or no plain data), ``closed`` (left when the dispatcher closed, or
    #: published after).
    dropped: dict[str, int] = {}
    #: Events that can't be delivered and were put aside by an agent.
    dead: int = 0
    #: Events that a stream gave up before the reporter got to them, since they were too old or too many.
    expired: int = 0
    #: Events of a kind that this version does not know, read from a stream.
    unknown: int = 0
    #: Events that wait for it, that it is at, or that wait in it for a flush.
    pending: int = 0
    #: Those of the pending events that it took and has not flushed yet.
    unflushed: int = 0
    #: How often it was started again after a crash or a hang.
    restarts: int = 0
    #: How many of its threads hung and were given up.
    abandoned: int = 0
    #: How often its ``reporter_flush`` raised; the events that it kept for that flush have failed.
    failed_flushes: int = 0
    #: How often one of its hooks asked to be tried again.
    retries: int = 0
    #: What it told to have lost by itself, after it had taken it, by its own reasons: see `Context.lost`.
    lost_by_reporter: dict[str, int] = {}
    #: In an agent: how many seconds the oldest event that it has yet to settle has waited. ``None`` elsewhere.
    lag_seconds: float | None = None
    #: The dropped events by reason and kind: ``{"capacity": {"started": 3}}``. What was no event is ``unknown``.
    dropped_kinds: dict[str, dict[str, int]] = {}
    status: LaneStatus = "running"
    #: Why it isn't running, in a sentence; ``None`` while it is.
    reason: str | None = None

    @property
    def lost(self) -> int:
        """Events that the reporter should have handled and did not."""
        return self.failed + self.dead + self.expired + sum(self.dropped.values())


class Origin(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The process that published an event. Its config said the first three."""

    service: str | None = None
    environment: str | None = None
    release: str | None = None
    host: str
    pid: int
    #: The version of jobreporter there.
    version: str


class Producer(msgspec.Struct, frozen=True, kw_only=True):
    """A process that appends events to a stream, as an agent knows it."""

    origin: Origin
    #: When its last sign of life was seen (Unix seconds).
    last_beat: float
    #: Its own ledger, as it was then.
    ledger: dict[str, LaneStats] = {}


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """An execution that runs somewhere. Fields are only added."""

    started: Started
    #: The process that published its ``Started``.
    origin: Origin


class LiveAgent(msgspec.Struct, frozen=True, kw_only=True):
    """An agent that gives signs of life, as another one knows it, or itself. Fields are only added."""

    origin: Origin
    #: The reporters that it runs.
    reporters: tuple[str, ...] = ()
    #: Whether its config says the same of what agents do as that of the one that was asked.
    same_config: bool = True


def _nothing_lost(_reason: str, _count: int = 1) -> None:
    """Where nobody counts."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What `reporter_start` learns about where it runs. The first three come from the config's ``[context]``."""

    service: str | None = None
    environment: str | None = None
    release: str | None = None
    host: str
    pid: int
    #: jobreporter's version.
    version: str
    #: The ledger of every reporter of this process, by name.
    stats: Callable[[], dict[str, LaneStats]]
    #: Tells that the reporter has lost events by itself after it took them, in an SDK's full queue or on a full disk:
    #: ``context.lost("rate_limited", 3)``. They are kept apart, in ``LaneStats.lost_by_reporter``. From any thread.
    lost: Callable[[str, int], None] = _nothing_lost
    #: The executions that are running anywhere, each by its ``Started``, as a stream knows them. Empty without a stream.
    open: Callable[[], list[Started]] = list
    #: The same, each with the process that it comes from: in an agent, that is another one. Empty without a stream.
    running: Callable[[], list[Running]] = list
    #: The processes that append to the stream. Empty without a stream.
    producers: Callable[[], list[Producer]] = list
    #: The agents that are alive, this one included. Empty without a stream, and in a worker.
    agents: Callable[[], list[LiveAgent]] = list
    #: What the config's ``[schedules]`` expect, for a reporter that watches them. With a stream an agent does, and tells
    #: each reporter what was missed.
    schedules: tuple[Schedule, ...] = ()
    #: Where the page of `jobreporter web` is, from ``[context] page``; ``None`` where the config doesn't say.
    page: str | None = None
    #: The reporter's own name: that of its table.
    reporter: str = ""
    #: The file that the config came from, as an absolute path; ``None`` without one.
    config: str | None = None

    @property
    def origin(self) -> Origin:
        """This process, as the origin of the events that it publishes."""
        return Origin(
            service=self.service,
            environment=self.environment,
            release=self.release,
            host=self.host,
            pid=self.pid,
            version=self.version,
        )

    def link(self, job: Job) -> str | None:
        """The address of the page about an execution; ``None`` where the config names no page."""
        return None if self.page is None else f"{self.page.rstrip('/')}/x/{quote(job.execution_id, safe='')}"
