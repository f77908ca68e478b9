"""Compares what the jobs and the recorder have written down with what is in the store.

What may be missing after a SIGKILL is what was in that process's memory: what no flush had called delivered, and not for
longer than it takes to be written. A process that ends while the store is away may lose what it has, and has to say so.
All the rest has to be there, exactly.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

from .journal import Entry
from .recorder import Recorded
from .stored import Incident, Row, Stored
from .troubles import Kill

#: Of each complaint, so many examples.
_EXAMPLES = 5
#: Seconds after its end by which an execution is a row, where nothing is in the way; and after something was.
WRITTEN = 10.0
RETRIED = 40.0
#: Seconds after which a worker has told of a child that it lost: Celery waits for ten in case it has only been slow.
TELLS = 20.0
#: Seconds for which a child may go on with jobs after its worker was killed.
ORPHANED = 10.0

OUTCOMES = {"success": "success", "skip": "aborted", "card": "failure", "stock": "failure", "retry": "failure"}


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Of one run. away: when the store was away; stopped: when a worker was; as begin and end (Unix seconds)."""

    journal: Sequence[Entry]
    recorded: Sequence[Recorded]
    stored: Stored
    kills: Sequence[Kill] = ()
    away: Sequence[tuple[float, float]] = ()
    stopped: Sequence[tuple[float, float]] = ()
    #: Executions of RQ whose end somebody was about to tell; ``None``: nobody waited for RQ to look for them.
    claimed: Collection[str] | None = None


class Ran(msgspec.Struct, kw_only=True):
    """What the journal has of one execution. over: when its end had been published; ended: whether the job was at its end."""

    began: Entry
    over: float | None = None
    ended: bool = False
    begin_delivered: bool = False
    end_delivered: bool = False


def audit(evidence: Evidence) -> Iterator[str]:
    """What is wrong, a sentence each."""
    stored = evidence.stored
    ran = executions(evidence.journal)
    rows = {row.execution: row for row in stored.rows}
    live = set(stored.live)
    own = {each.execution: each for each in evidence.recorded if each.is_own}
    yield from stored.complaints
    lost = [entry for entry in evidence.journal if entry.what == "lost"]
    yield from _told("lost while the store was there", [each for each in lost if not _was_away(evidence, each.at)])
    yield from _told("a row twice", _repeated(row.execution for row in stored.rows))
    yield from _told(
        "own outcomes recorded twice", _repeated(each.execution for each in evidence.recorded if each.is_own)
    )
    yield from _told("both running and ended", live & rows.keys())
    yield from _told("running, and never began", live - ran.keys() - {each.execution for each in evidence.recorded})
    yield from _missing(evidence, ran, rows, live)
    yield from _wrong(ran, rows, own)
    yield from _lost_workers(evidence, ran, rows)
    yield from _incidents(evidence, ran, own)


def executions(journal: Sequence[Entry]) -> dict[str, Ran]:
    """By their ids."""
    found: dict[str, Ran] = {}
    for entry in journal:
        if entry.what == "began":
            found[entry.execution] = Ran(began=entry)
        elif entry.what == "ends":
            found[entry.execution].ended = True
        elif entry.what == "over":
            found[entry.execution].over = entry.at
        for each in entry.begun:
            found[each].begin_delivered = True
        for each in entry.ended:
            found[each].end_delivered = True
    return found


def _missing(
    evidence: Evidence, ran: Mapping[str, Ran], rows: Mapping[str, Row], live: Collection[str]
) -> Iterator[str]:
    own = {execution for execution, row in rows.items() if row.is_own}
    delivered = {execution for execution, each in ran.items() if each.end_delivered}
    yield from _told("its end is delivered, and is no row", delivered - own)
    begun = {execution for execution, each in ran.items() if each.begin_delivered}
    yield from _told("its beginning is delivered, and is nowhere", begun - rows.keys() - set(live))
    killed = _Killed(evidence.kills)
    unhurt = {execution for execution, each in ran.items() if killed.at(each.began) is None}
    recorded = {each.execution for each in evidence.recorded if each.is_own}
    yield from _told("ran in a process that nobody killed, and was not recorded", unhurt - recorded)
    said = {entry.pid for entry in evidence.journal if entry.what == "lost"}
    unhurt -= {execution for execution in unhurt - own if ran[execution].began.pid in said}
    yield from _told("ran in a process that nobody killed, and is no row", unhurt - own)
    yield from _told("ran in a process that nobody killed, and runs", unhurt & set(live))
    late = [
        execution
        for execution, each in ran.items()
        if execution not in own
        and each.over is not None
        and not _excused(each, killed, (*evidence.away, *evidence.stopped))
    ]
    yield from _told(f"was over for {WRITTEN:.0f} seconds before its process was killed, and is no row", late)


def _was_away(evidence: Evidence, at: float) -> bool:
    return any(begin <= at <= end + WRITTEN for begin, end in evidence.away)


def _excused(each: Ran, killed: _Killed, hindered: Sequence[tuple[float, float]]) -> bool:
    at = killed.at(each.began)
    if at is None or each.over is None or at - each.over < WRITTEN:
        return True
    return any(begin <= at and each.over <= end + RETRIED for begin, end in hindered)


def _wrong(ran: Mapping[str, Ran], rows: Mapping[str, Row], own: Mapping[str, Recorded]) -> Iterator[str]:
    owned = {execution: row for execution, row in rows.items() if row.is_own}
    yield from _told("a row of its own, and never ran", owned.keys() - ran.keys())
    yield from _told(
        "ended otherwise than it was told to",
        [row for row in owned.values() if row.execution in ran and row.outcome != _expected(ran[row.execution])],
    )
    yield from _told(
        "a row that says otherwise than the recorder",
        [
            (row, own[row.execution])
            for row in owned.values()
            if row.execution in own and not _agree(row, own[row.execution])
        ],
    )
    jobs = {execution: each.began.job for execution, each in ran.items()}
    yield from _told(
        "a row of another job", [row for row in rows.values() if jobs.get(row.execution, row.job) != row.job]
    )


def _expected(each: Ran) -> str:
    return OUTCOMES[each.began.ending]


def _agree(row: Row, event: Recorded) -> bool:
    same = ("job", "outcome", "why", "final", "will_retry", "duration")
    return all(getattr(row, name) == getattr(event, name) for name in same) and abs(row.at - event.at) <= 0.001


def _lost_workers(evidence: Evidence, ran: Mapping[str, Ran], rows: Mapping[str, Row]) -> Iterator[str]:
    running: dict[int, list[str]] = defaultdict(list)
    for execution, each in ran.items():
        if not each.ended:
            running[each.began.pid].append(execution)
    killed = {each.pid for each in evidence.kills}
    # RQ's worker tells from a process of its own, which may be killed as well.
    cut_short = {each.execution for each in evidence.recorded if each.why == "worker_lost" and each.pid in killed}
    untold = []
    for kill in evidence.kills:
        parents = [each.at for each in evidence.kills if each.pid == kill.parent]
        if kill.parent and not any(kill.at <= at <= kill.at + TELLS for at in parents):
            untold += [execution for execution in running[kill.pid] if execution not in rows.keys() | cut_short]
    yield from _told("its process was killed, and who started that did not tell", untold)
    if evidence.claimed is not None:
        rq = {execution for execution, each in ran.items() if each.began.source == "rq" and not each.ended}
        yield from _told("of RQ's, and without an end", rq - rows.keys() - set(evidence.claimed))


def _incidents(evidence: Evidence, ran: Mapping[str, Ran], own: Mapping[str, Recorded]) -> Iterator[str]:
    rows = [row for row in evidence.stored.rows if row.outcome == "failure"]
    yield from _told("failed, and belongs to no incident", [row for row in rows if row.incident is None])
    groups: dict[tuple[str, ...], set[str | None]] = defaultdict(set)
    causes: dict[str | None, set[tuple[str, ...]]] = defaultdict(set)
    status = {each.execution: str(each.exit_status) for each in evidence.recorded if each.why == "worker_lost"}
    for row in rows:
        if row.is_own and row.execution in ran:
            cause = (row.name, ran[row.execution].began.ending)
        elif row.execution in status:
            cause = (row.name, "worker lost", status[row.execution])
        else:
            continue  # whoever told of it was killed before the recorder had it
        groups[cause].add(row.incident)
        causes[row.incident].add(cause)
    yield from _told("one cause, and several incidents", [each for each in groups.items() if len(each[1]) > 1])
    yield from _told("one incident of several causes", [each for each in causes.items() if len(each[1]) > 1])
    by_incident: dict[str | None, list[Row]] = defaultdict(list)
    for row in rows:
        by_incident[row.incident].append(row)
    incidents = {each.fingerprint: each for each in evidence.stored.incidents}
    yield from _told("an incident without failures, or failures without one", incidents.keys() ^ by_incident.keys())
    for fingerprint, incident in incidents.items():
        yield from _incident(incident, by_incident[fingerprint])


def _incident(incident: Incident, rows: Sequence[Row]) -> Iterator[str]:
    ends, finals = [row.at for row in rows], [row.at for row in rows if row.final]
    counts = (len(rows), len(finals))
    said = (incident.failed, incident.final, incident.first_seen, incident.last_fail, incident.last_final)
    if rows and said != (*counts, min(ends), max(ends), max(finals, default=None)):
        yield f"incident {incident.parts} says {said}, and its rows say {counts}, {min(ends)} to {max(ends)}"
    if incident.in_cells != counts:
        yield f"incident {incident.parts} has {incident.in_cells} in its cells, and its rows say {counts}"
    if incident.logged != tuple(range(1, incident.seq + 1)):
        yield f"incident {incident.parts} has had {incident.seq} changes, and its log says {incident.logged}"


class _Killed:
    """Whether and when the process of an execution was killed, or left alone by whoever started it."""

    def __init__(self, kills: Sequence[Kill]) -> None:
        self._kills: dict[int, list[float]] = defaultdict(list)
        for kill in kills:
            self._kills[kill.pid].append(kill.at)

    def at(self, began: Entry) -> float | None:
        """When, if it was."""
        found = [
            at for pid in {began.pid, began.parent, began.group} for at in self._kills[pid] if at >= began.at - ORPHANED
        ]
        if began.parent == 1:
            found.append(began.at)
        return min(found, default=None)


def _repeated(names: Iterator[str]) -> set[str]:
    return {name for name, count in Counter(names).items() if count > 1}


def _told(what: str, found: Collection[object]) -> Iterator[str]:
    if found:
        examples = "; ".join(map(str, sorted(found, key=str)[:_EXAMPLES]))
        yield f"{what}: {len(found)}, such as {examples}"
