"""When an incident opens, resolves, comes back or gets worse: a function of its sums and the time, and of nothing else.

`decide` is asked again until it has nothing more to say; asked twice about the same, it says nothing the second time.
"""

from __future__ import annotations

from math import ceil
from typing import Any, NamedTuple, Protocol

from jobreporter_history._records.incidents import Happening, State

#: Seconds of a cell of failures.
CELL = 600
HOUR = 3600
DAY = 86_400

#: Failures that another attempt follows open an incident if so many come within ten minutes.
BURST = 5
#: Seconds without a failure before successes resolve it, and those after which a flapping one is calm.
CALM, FLAPPING_CALM = 900, 1800
#: It flaps if it opens so often within an hour.
OPENINGS = 3
#: It got worse if its last hour had so many times the failures of the hour before.
WORSE = 10

#: What people are told; the rest is on the page.
TOLD: frozenset[Happening] = frozenset({"opened", "regressed", "worse", "resolved", "missed", "reminded"})
_OPEN = frozenset({"open", "flapping"})


class Known(NamedTuple):
    """An incident, as writers and the keeper left it. Times are Unix seconds."""

    id: int
    kind: str
    state: State
    failed: int
    final: int
    first_seen: float
    last_fail: float
    last_final: float | None
    #: When the failure happened that it last opened with.
    opened_at: float | None
    resolved_at: float | None
    fixed_release: str | None
    silenced_until: float | None
    #: When people were last told of it.
    told_at: float | None
    seq: int


class Facts(Protocol):
    """What else a decision may ask about one incident."""

    def failures(self, since: float, until: float) -> tuple[int, int]:
        """How many failures there were, and how many final ones, in the cells that begin within the range."""
        ...

    def failure_cells(self, since: float, until: float) -> dict[int, int]:
        """How many failures there were in each cell that begins within the range."""
        ...

    def run_cells(self, since: float, until: float) -> dict[int, int]:
        """How many executions of its jobs ended in each such cell."""
        ...

    def runs(self, since: float, until: float) -> int:
        """How many executions of its jobs ended from a full minute on, up to a moment and including it."""
        ...

    def successes(self, after: float, enough: int) -> int:
        """How many executions of its jobs succeeded after that time; no more than ``enough`` are counted."""
        ...

    def ran(self, after: float) -> bool:
        """Whether one of its jobs ended in any way after that time, which is that of its last failure."""
        ...

    def openings(self, since: float) -> list[float]:
        """When it was logged to open since then."""
        ...

    def happened(self, happening: Happening) -> float | None:
        """When that was last logged."""
        ...

    def fails_in(self, release: str, after: float) -> bool:
        """Whether it failed after that time in this release, in a later one, or in one that nobody knows."""
        ...


class Decision(NamedTuple):
    """What is to be logged, and what the incident is from then on."""

    happening: Happening
    state: State
    cause: str = ""
    #: The numbers that decided it.
    facts: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it
    #: Columns of the incident that change besides its state.
    changes: dict[str, Any] = {}  # noqa: RUF012 - as above


def decide(known: Known, facts: Facts, now: float, repeat: float | None = None) -> Decision | None:
    """What is due, if anything. repeat: seconds after which people are reminded of what is still open."""
    if known.silenced_until is not None and known.silenced_until <= now:
        return Decision("unsilenced", known.state, changes={"silenced_until": None})
    if known.state == "pending":
        return _pending(known, facts)
    if known.state == "resolved":
        return _resolved(known, facts, now)
    if known.state == "flapping":
        return _flapping(known, now) or _reminder(known, now, repeat)
    return (
        _succeeded(known, facts, now)
        or _quiet(known, facts, now)
        or _worse(known, facts, now)
        or _reminder(known, now, repeat)
    )


def is_quiet(decision: Decision, known: Known, now: float) -> bool:
    """Whether people are not told of it."""
    silenced = known.silenced_until is not None and known.silenced_until > now
    # Of what is pending they have not heard, and of what flaps, last that it is resolved, unless they were reminded since.
    unheard_of = known.state in {"pending", "flapping"} and decision.happening == "resolved" and not _was_told(known)
    return decision.happening not in TOLD or silenced or unheard_of


def trigger(known: Known, facts: Facts) -> float | None:
    """When a failure happened that needs somebody: one that no attempt follows, or one of many within ten minutes."""
    cell = known.last_fail // CELL * CELL
    since = cell - CELL
    if known.resolved_at is not None:
        since = max(since, known.resolved_at)
    failed, final = facts.failures(since, cell + CELL)
    if failed - final >= BURST:
        return max(known.last_fail, known.last_final or known.last_fail)
    return known.last_final


def failure_share(known: Known, facts: Facts) -> float:
    """How likely a run fails in this way: the lowest of several shares of runs that did.

    That is since it first opened within the last day; in the hour before the last failure; and in each hour before that one
    since it opened, if something failed in it. All are counted up to the last failure, so that the successes since then
    don't count for themselves. After an outage, the hours before it say what is usual.
    """
    cell = int(known.last_fail // CELL) * CELL
    openings = [at for at in facts.openings(known.last_fail - DAY) if at <= known.last_fail]
    opened = min([*openings, known.opened_at if known.opened_at is not None else known.first_seen])
    begin = int(max(opened, known.last_fail - 7 * DAY) // CELL) * CELL
    since = min(begin, cell - HOUR + CELL)
    failed = facts.failure_cells(since, cell + CELL)
    runs = facts.run_cells(since, cell) | {cell: facts.runs(cell, known.last_fail)}
    windows = [(begin, cell + CELL), (cell - HOUR + CELL, cell + CELL)]
    windows += [(end - HOUR, end) for end in range(cell - HOUR + CELL, max(begin + HOUR, cell - DAY) - 1, -HOUR)]
    shares = []
    for first, end in windows:
        failures = sum(failed.get(t, 0) for t in range(first, end, CELL))
        if failures:
            shares.append(failures / max(sum(runs.get(t, 0) for t in range(first, end, CELL)), failures))
    return min(shares, default=1.0)


def needed(share: float) -> int:
    """So many successes in a row are hardly chance, where a run fails with that probability."""
    return max(1, ceil(5 / share) - 4)


def _pending(known: Known, facts: Facts) -> Decision | None:
    at = trigger(known, facts)
    if at is None:
        return None
    happening: Happening = "missed" if known.kind == "missed" else "opened"
    return Decision(happening, "open", facts=_counts(known), changes={"opened_at": known.first_seen})


def _resolved(known: Known, facts: Facts, now: float) -> Decision | None:
    assert known.resolved_at is not None  # noqa: S101 - every way into this state sets it
    at = trigger(known, facts)
    if at is None or at <= known.resolved_at:
        return None
    if known.fixed_release is not None and not facts.fails_in(known.fixed_release, known.resolved_at):
        return None
    changes = {"opened_at": at, "fixed_release": None}
    if known.kind == "missed":
        return Decision("missed", "open", facts=_counts(known), changes=changes)
    if len(facts.openings(now - HOUR)) >= OPENINGS - 1:
        return Decision("flapping", "flapping", facts=_counts(known), changes=changes)
    return Decision("regressed", "open", facts=_counts(known), changes=changes)


def _flapping(known: Known, now: float) -> Decision | None:
    if now - known.last_fail < FLAPPING_CALM:
        return None
    happening: Happening = "resolved" if _was_told(known) else "calm"
    cause = "calm" if happening == "resolved" else ""
    return Decision(happening, "resolved", cause, _counts(known), {"resolved_at": now})


def _succeeded(known: Known, facts: Facts, now: float) -> Decision | None:
    if known.kind == "missed":
        need = 1
    elif now - known.last_fail < CALM:
        return None
    else:
        need = needed(failure_share(known, facts))
    found = facts.successes(known.last_fail, need)
    if found < need:
        return None
    numbers = _counts(known) | {"successes": found, "needed": need}
    return Decision("resolved", "resolved", "succeeded", numbers, {"resolved_at": now})


def _quiet(known: Known, facts: Facts, now: float) -> Decision | None:
    if now - known.last_fail < DAY or not facts.ran(known.last_fail):
        return None
    return Decision("resolved", "resolved", "quiet", _counts(known), {"resolved_at": now})


def _worse(known: Known, facts: Facts, now: float) -> Decision | None:
    end = now // CELL * CELL
    # Only hours in which it was open from the beginning can be compared.
    if known.opened_at is None or known.opened_at > end - 2 * HOUR or known.last_fail < end - HOUR:
        return None
    last, _ = facts.failures(end - HOUR, end)
    before, _ = facts.failures(end - 2 * HOUR, end - HOUR)
    if last < WORSE * max(before, 1):
        return None
    told = facts.happened("worse")
    if told is not None and now - told < HOUR:
        return None
    return Decision("worse", "open", facts=_counts(known) | {"last_hour": last, "hour_before": before})


def _reminder(known: Known, now: float, repeat: float | None) -> Decision | None:
    # What opened in a silence is told of like what people were told of when it opened.
    told_at = known.opened_at if known.told_at is None else known.told_at
    if repeat is None or known.silenced_until is not None or told_at is None:
        return None
    if now - told_at < repeat or known.last_fail <= told_at:
        return None
    return Decision("reminded", known.state, facts=_counts(known))


def _was_told(known: Known) -> bool:
    """Whether people have heard of it since it last opened."""
    return known.told_at is not None and known.opened_at is not None and known.told_at > known.opened_at


def _counts(known: Known) -> dict[str, Any]:
    return {"failed": known.failed, "final": known.final}
