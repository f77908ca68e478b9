"""The ledger of a dispatcher against what its publishers and reporters wrote down, once all has come to rest."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator

from jobreporter import HANDLERS, LaneStats

from .notes import Diary, Seen
from .stage import HARMLESS, Stage
from .witness import Witness


def audit(stage: Stage, *, limbo: int = 0, in_time: bool) -> Iterator[str]:
    """What doesn't agree, in this process.

    limbo: events that a finalizer published in a forked child before the child's own code ran. in_time: whether nothing
    was left when the dispatcher closed.
    """
    yield from (*stage.complaints(), *stage.log.deaths())
    ledger = stage.dispatcher.stats()
    for witness in stage.witnesses:
        stats, diary = ledger[witness.nature.name], witness.diary()
        found = [
            *diary.complaints,
            *_of_publishers(stage, stats, limbo),
            *_of_reporter(witness, stats, diary, len(stage.log.failures()) + (not in_time)),
            *_of_kinds(stage, witness, stats, limbo),
            *_of_order(stats, diary),
        ]
        for problem in found:
            yield f"{witness.nature.name}: {problem}\n    {stats}\n    {witness.nature}"


def _of_publishers(stage: Stage, stats: LaneStats, limbo: int) -> Iterator[str]:
    sent = stage.sent().total()
    accepted = stats.accepted - stats.dropped.get("repeated", 0)
    repeats = 2 * len(stage.sent().races) if "closed" in stats.dropped else 0
    if not sent.total() - limbo <= accepted <= sent.total() + repeats:
        yield f"{sent.total()} events were published, {accepted} are in the ledger: {dict(sent)}"
    lost = sum(stats.dropped.values())
    if stats.pending or stats.accepted != stats.handled + stats.failed + stats.filtered + lost:
        yield "the ledger isn't closed"
    if stats.status != "closed":
        yield "it isn't closed"
    if stats.dropped.get("echo", 0) < sent["echo"]:
        yield f"{sent['echo']} echoes were published"
    if stats.dropped.get("invalid", 0) < sent["nonsense"] and not stats.dropped.keys() & {"closed", "ingress"}:
        yield f"nonsense was published {sent['nonsense']} times"


def _of_reporter(witness: Witness, stats: LaneStats, diary: Diary, doubt: int) -> Iterator[str]:
    """What it was handed has been handled or has failed, and it was stopped as often as it was started."""
    entered, returned = len(diary.handed_over), len(diary.returned)
    if entered != returned + len(diary.raised):
        yield f"{entered} events were handed over, {returned} returned and {len(diary.raised)} raised"
    # A thread that is given up may do well in that very moment; a loop may end before what it was to await has begun.
    doubt += stats.abandoned + len(diary.collapses)
    if "reporter_flush" in witness.nature.hooks and not doubt:
        if stats.handled != diary.flushed:
            yield f"{diary.flushed} events were flushed"
    elif "reporter_flush" in witness.nature.hooks:
        # A flush of a thread that was given up may end at any time.
        if stats.handled > returned:
            yield f"{returned} handlers returned"
    elif not stats.handled <= returned <= stats.handled + doubt:
        yield f"{returned} handlers returned"
    if not entered <= stats.handled + stats.failed <= entered + doubt:
        yield f"{entered} events were handed over"
    if stats.lost_by_reporter.get("told", 0) != sum(diary.told_lost):
        yield f"it said of {sum(diary.told_lost)} events that it lost them"
    can_tell = {"reporter_start", "reporter_stop"}.issubset(witness.nature.hooks)
    starts, stops = len(diary.starts), len(diary.stops)
    if can_tell and not starts - len(diary.collapses) <= stops <= starts + len(diary.collapses):
        yield f"it was started {starts} times and stopped {stops} times"


def _of_kinds(stage: Stage, witness: Witness, stats: LaneStats, limbo: int) -> Iterator[str]:
    """Without drops and conditions, what a reporter didn't see is what it has no hook for."""
    hooks = {hook: event.__name__.lower() for event, hook in HANDLERS.items()}
    if witness.nature.when or stats.abandoned or not HARMLESS.issuperset(stats.dropped):
        return
    sent = stage.sent().total()
    unwanted = sum(sent[kind] for hook, kind in hooks.items() if hook not in witness.nature.hooks)
    on_lane = stats.dropped.get("echo", 0) - sent["echo"]  # finalizers that ran on a lane
    if not unwanted - on_lane - limbo <= stats.filtered <= unwanted:
        yield f"{unwanted} events were of kinds that it has no hook for: {dict(sent)}"


def _of_order(stats: LaneStats, diary: Diary) -> Iterator[str]:
    """Nothing came twice or from elsewhere, and what one publisher published came in its order."""
    pid = os.getpid()
    handed_over = diary.handed_over
    if foreign := [seen for seen in handed_over if seen.pid != pid]:
        yield f"events of another process came: {foreign[:5]}"
    if len({seen[1:] for seen in handed_over}) < len(handed_over):
        yield "an event came twice"
    # A thread that was given up may enter a handler late.
    for entered in _threads(handed_over).values() if stats.abandoned else [handed_over]:
        last: dict[str, Seen] = {}
        for seen in entered:
            before = last.get(seen.publisher)
            if before is not None and (before.number, before.stage) >= (seen.number, seen.stage):
                yield f"out of order: {before}, {seen}"
            last[seen.publisher] = seen


def _threads(entered: Iterable[Seen]) -> dict[int, list[Seen]]:
    found: defaultdict[int, list[Seen]] = defaultdict(list)
    for seen in entered:
        found[seen.thread].append(seen)
    return found
