"""Incidents, and what happened to them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from jobreporter_history._records.executions import ExecutionDetail

#: ``pending``: it has failed, and nobody needs to look yet, since it will be tried again. ``flapping``: it opens and
#: resolves so often that this is told once.
State = Literal["pending", "open", "flapping", "resolved"]

#: What is logged. ``opened``, ``regressed``, ``worse``, ``resolved``, ``missed`` and ``reminded`` are for people to be told;
#: ``flapping``, ``calm``, ``silenced`` and ``unsilenced`` are for the page.
Happening = Literal[
    "opened", "regressed", "flapping", "worse", "resolved", "calm", "silenced", "unsilenced", "missed", "reminded"
]


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """Failures that have one cause, as far as can be told."""

    #: Its number, by which people name it.
    id: int
    #: What its failures have in common, and the rule that it was found by: the first character.
    fingerprint: str
    #: What the fingerprint was made of: why these failures are one incident.
    parts: tuple[str, ...]
    service: str = ""
    environment: str = ""
    #: The job that it was first seen in.
    job: str
    #: ``exception``, ``timeout``, ``worker_lost``, ``exit_code``, ``missed``, or ``tag`` where the job set one.
    kind: str
    #: The error's type; empty where there is no error.
    type: str = ""
    state: State
    #: When it came into that state.
    since: float | None = None
    first_seen: float
    last_fail: float
    #: The last failure that no further attempt followed.
    last_final: float | None = None
    failed: int
    final: int
    #: When it last opened.
    opened_at: float | None = None
    resolved_at: float | None = None
    #: The release that somebody said it is fixed in.
    fixed_release: str | None = None
    #: Nobody is told until then.
    silenced_until: float | None = None
    #: What was logged last.
    last_happening: Happening | None = None

    @property
    def title(self) -> str:
        """What it is called, in few words: the error's type without its module, or its kind."""
        return self.type.rpartition(".")[2] or self.kind


class LogRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the keeper decided about an incident. ``(incident, seq)`` is its key."""

    #: Its place among the rows of all incidents.
    n: int
    incident: int
    seq: int
    at: float
    happening: Happening
    #: Why, where there are several ways: ``succeeded``, ``quiet``, ``by hand``, ``calm``.
    cause: str = ""
    #: Whether people are not told, because it is silenced or flapping, or because it is of the quiet kind.
    quiet: bool
    #: The incident's state from then on.
    state: State
    #: The numbers that decided it, such as ``failed``, ``successes``, ``needed``, ``release``.
    facts: dict[str, Any] = {}


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """The failures of ten minutes, or of an hour where it says so."""

    #: Where it begins (Unix seconds).
    at: float
    failed: int
    final: int


class Glimpse(msgspec.Struct, frozen=True, kw_only=True):
    """What a list tells of an incident besides what it is."""

    #: What its newest failure said; empty if that is not known any more, or it said nothing.
    message: str
    #: The hours of the last day in which something failed, in order.
    hours: tuple[Cell, ...]


class IncidentDetail(msgspec.Struct, frozen=True, kw_only=True):
    """All about one incident."""

    incident: Incident
    #: The newest failure that is kept, with its error.
    sample: ExecutionDetail | None
    #: Every job that it was seen in.
    jobs: tuple[str, ...]
    #: What happened, the newest first.
    log: tuple[LogRow, ...]
    #: The cells in which something failed, in order.
    cells: tuple[Cell, ...]


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the newest failures have one value."""

    value: str
    count: int


class Facets(msgspec.Struct, frozen=True, kw_only=True):
    """Who and where: the newest failures of an incident by what they have in common, the most frequent first."""

    #: How many failures were looked at.
    of: int
    releases: tuple[Share, ...] = ()
    hosts: tuple[Share, ...] = ()
    #: Messages with what is unique taken out.
    messages: tuple[Share, ...] = ()
    #: By the tag's name.
    tags: dict[str, tuple[Share, ...]] = {}
