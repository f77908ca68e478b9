"""Compares what everybody has written down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import msgspec

from .told import Told, is_poison
from .troubles import Cause
from .vendor import Arrival

#: Of each complaint, so many examples.
_EXAMPLES = 5
#: Seconds between what a process does and what is written down of it.
BEFORE = 1.0
#: Seconds after which an agent that has lost a lease knows: it asks every three or four seconds.
AFTER = 6.0


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Of one run."""

    #: What workers were told is in the stream.
    acknowledged: Collection[Told]
    #: What the store has had, in order, by partition.
    stored: Mapping[int, Sequence[Told]]
    #: What each reporter has handed over, in order.
    arrivals: Mapping[str, Sequence[Arrival]]
    #: Each reporter's dead letters.
    dead: Mapping[str, Sequence[Told]]
    #: By reporter and partition: head, position, handled, dead.
    ledgers: Mapping[str, Mapping[int, tuple[int, ...]]]
    causes: Sequence[Cause]
    #: Events that are in a reporter's hands at most.
    window: int
    #: Whether every execution that began must have ended.
    all_ended: bool


def audit(evidence: Evidence) -> Iterator[str]:
    """What is wrong, a sentence each."""
    stored = [event for events in evidence.stored.values() for event in events]
    yield from _told("acknowledged, and not in the stream", set(evidence.acknowledged) - set(stored))
    yield from _told("in the stream twice", _repeated(stored))
    yield from _out_of_order("in the stream", stored)
    if evidence.all_ended:
        yield from _not_ended(stored)
    for reporter, arrivals in evidence.arrivals.items():
        dead = evidence.dead.get(reporter, ())
        poison = {event for event in stored if is_poison(reporter, event)}
        yield from _told(f"{reporter}: poison, and no dead letter", poison - set(dead))
        yield from _told(f"{reporter}: a dead letter, and no poison", set(dead) - poison)
        yield from _told(f"{reporter}: a dead letter twice", _repeated(dead))
        yield from _of_reporter(reporter, arrivals, evidence, stored, set(dead))
        yield from _ledger(reporter, evidence, dead)


def duplicates(arrivals: Sequence[Arrival]) -> int:
    """How many events came that had come before."""
    return len(arrivals) - len({arrival.event for arrival in arrivals})


def _of_reporter(
    reporter: str, arrivals: Sequence[Arrival], evidence: Evidence, stored: Sequence[Told], dead: set[Told]
) -> Iterator[str]:
    came = dict.fromkeys(arrival.event for arrival in arrivals)
    yield from _told(f"{reporter}: never came", set(stored) - set(came) - dead)
    yield from _told(f"{reporter}: came from nowhere", set(came) - set(stored))
    by_job: dict[str, list[Told]] = {}
    for event in stored:
        by_job.setdefault(event.job, []).append(event)
    came_by_job: dict[str, list[Told]] = {}
    for event in came:
        came_by_job.setdefault(event.job, []).append(event)
    wrong = [
        job
        for job, events in came_by_job.items()
        if events != [event for event in by_job.get(job, ()) if event in came]
    ]
    yield from _told(f"{reporter}: jobs whose events came out of order", wrong)
    causes = [cause for cause in evidence.causes if cause.reporter in (None, reporter)]
    yield from _told(f"{reporter}: came twice, and for no reason", _without_cause(arrivals, causes))
    if (found := duplicates(arrivals)) > (most := len(causes) * evidence.window):
        yield f"{reporter}: {found} events came twice, more than the {most} of {len(causes)} windows"


def _without_cause(arrivals: Sequence[Arrival], causes: Sequence[Cause]) -> list[Arrival]:
    last: dict[Told, Arrival] = {}
    found = []
    for arrival in arrivals:
        before = last.get(arrival.event)
        last[arrival.event] = arrival
        if before is not None and not any(
            cause.begin - BEFORE <= arrival.at
            and before.at <= cause.end + AFTER
            and cause.pid in (None, before.pid, arrival.pid)
            for cause in causes
        ):
            found.append(arrival)
    return found


def _ledger(reporter: str, evidence: Evidence, dead: Sequence[Told]) -> Iterator[str]:
    ledgers = evidence.ledgers.get(reporter, {})
    heads = {partition: len(events) for partition, events in evidence.stored.items()}
    for partition, (head, position, handled, died) in ledgers.items():
        here = set(evidence.stored[partition])
        expected = (heads[partition], heads[partition], heads[partition] - died, sum(event in here for event in dead))
        if (head, position, handled, died) != expected:
            yield (
                f"{reporter}: the ledger of partition {partition} says head, position, handled, dead ="
                f" {(head, position, handled, died)}, and the count {expected}"
            )
    if ledgers.keys() != heads.keys():
        yield f"{reporter}: there are ledgers of the partitions {sorted(ledgers)}, and not of all"


def _out_of_order(where: str, events: Iterable[Told]) -> Iterator[str]:
    """An execution begins, has an outcome, and stops."""
    stages: dict[tuple[str, str], list[str]] = {}
    for event in events:
        stages.setdefault((event.job, event.execution), []).append(event.kind)
    rank = {"started": 0, "success": 1, "failure": 1, "aborted": 1, "stopped": 2}
    wrong = [
        f"{job} {execution}: {', '.join(kinds)}"
        for (job, execution), kinds in stages.items()
        if [rank[kind] for kind in kinds] != sorted({rank[kind] for kind in kinds})
    ]
    yield from _told(f"executions {where} that go otherwise", wrong)


def _not_ended(events: Iterable[Told]) -> Iterator[str]:
    open_: set[tuple[str, str]] = set()
    for event in events:
        if event.kind == "started":
            open_.add((event.job, event.execution))
        elif event.kind == "stopped":
            open_.discard((event.job, event.execution))
    yield from _told("executions began and never ended", open_)


def _repeated(events: Iterable[Told]) -> set[Told]:
    return {event for event, count in Counter(events).items() if count > 1}


def _told(what: str, found: Collection[object]) -> Iterator[str]:
    if found:
        examples = "; ".join(map(str, sorted(found, key=str)[:_EXAMPLES]))
        yield f"{what}: {len(found)}, such as {examples}"
