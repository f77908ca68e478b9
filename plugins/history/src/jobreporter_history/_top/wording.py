"""How executions and incidents are written, wherever they are listed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jobreporter_history._display.states import status_of
from jobreporter_history._display.text import ago, clock, duration
from jobreporter_history._top.lines import Line, Part, Style, Target, safe
from jobreporter_history._top.tables import Column, Row, table
from jobreporter_history.store import Execution, Incident, JobFigures, QueueFigures, Running

#: Shapes as well as colours, since not everybody sees colours.
_OUTCOMES: dict[str, tuple[str, Style]] = {
    "success": ("●", "good"),
    "failure": ("■", "bad"),
    "aborted": ("▲", "warn"),
    "running": ("▶", "plain"),
    "lost": ("◆", "warn"),
}
_STATES: dict[str, Style] = {
    **dict.fromkeys(("open", "regressed", "opened", "worse"), "bad"),
    **dict.fromkeys(("missed", "flapping", "lost"), "warn"),
    **dict.fromkeys(("resolved", "calm"), "good"),
}


def outcome(name: str) -> Part:
    """An outcome, by shape and word."""
    shape, style = _OUTCOMES[name]
    return Part(f"{shape} {name}", style)


def outcome_of(run: Execution | Running) -> Part:
    """How it ended, or that it hasn't."""
    if isinstance(run, Execution):
        return outcome(run.outcome)
    return outcome("lost" if run.lost else "running")


def state(name: str) -> Part:
    """A state of an incident, or what happened to it."""
    return Part(name, _STATES.get(name, "quiet"))


def queue(where: Execution | Running | JobFigures | QueueFigures) -> Part:
    """Source and queue."""
    return Part(safe(f"{where.source} {where.queue}".rstrip()), "quiet")


def attempt(run: Execution) -> Part:
    """Which attempt it was, and whether another follows."""
    number = f"{run.attempt}/{run.max_attempts}" if run.max_attempts else str(run.attempt) if run.attempt > 1 else ""
    if run.final:
        return Part(f"final {number}".rstrip(), "bad")
    return Part(f"will retry {number}".rstrip() if run.will_retry else number, "quiet")


def executions(found: Iterable[Execution], width: int, now: float, *, name: bool = True) -> list[Line]:
    """A list of executions. name: whether they are of several jobs; otherwise their tags and messages tell them apart."""
    columns = (
        Column("outcome", 9),
        Column("job" if name else "what", tail=name),
        Column("queue", 2),
        Column("attempt", 6),
        Column("took", 7, right=True),
        Column("waited", 1, right=True),
        Column("ended", 8, right=True),
    )
    rows = [
        Row(
            (
                outcome(each.outcome),
                Part(safe(each.name if name else _what(each))),
                queue(each) if name else Part(""),
                attempt(each),
                Part(duration(each.duration)),
                Part("" if each.queue_wait is None else duration(each.queue_wait), "quiet"),
                Part(clock(each.ended_at, now)),
            ),
            Target("execution", each.execution_id),
        )
        for each in found
    ]
    return table(columns, rows, width) if rows else []


def incidents(found: Sequence[Incident], width: int, now: float, *, job: bool = True) -> list[Row]:
    """Rows of incidents: state, what, failures, last."""
    return [
        Row(
            (
                state(status_of(each)),
                Part(safe(f"{each.title} in {each.job}" if job else each.title), "strong"),
                Part("silenced" if each.silenced_until and each.silenced_until > now else "", "quiet"),
                Part(f"{each.failed:,}"),
                Part(ago(each.last_fail, now), "quiet"),
            ),
            Target("incident", str(each.id)),
        )
        for each in found
    ]


INCIDENT_COLUMNS = (
    Column("state", 9),
    Column("what"),
    Column("", 1),
    Column("failed", 7, right=True),
    Column("last", 6, right=True),
)


def _what(run: Execution) -> str:
    tags = " ".join(f"{name}:{value}" for name, value in run.tags.items())
    return " ".join(filter(None, (tags, run.message or run.error_type))) or run.job_id
