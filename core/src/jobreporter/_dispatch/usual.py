"""Events as most of them are: found to be right, closed to changes and weighed in one look.

The pump does this for every event, and calling a function for each takes longer than the look. So the looks at all their
fields are written out in one function, of the expressions that `checks` has for them. Whatever is out of the ordinary is
left to `checks`, `measure` and `read_only`, which know what to make of it and how to refuse it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

from msgspec.structs import force_setattr

from jobreporter._dispatch.checks import doubts_about_event, doubts_about_job
from jobreporter._dispatch.measure import NOT_PLAIN
from jobreporter._dispatch.read_only import EMPTY, ReadOnlyDict
from jobreporter._dispatch.weight import EVENT, JOB, Scales, weigh_contents
from jobreporter.events import Event, Job, Started, Stopped, Success

#: What `take_usual` returns where nothing is left.
NOTHING = object()

# How it reads: each ``break`` leaves the item to the caller. A job is looked at when it isn't the one before, and isn't
# remembered; its arguments first as what they mostly are, a few numbers and short texts, and else by `weigh_contents`. Before
# another job comes, one that has not stopped is remembered: more of it is likely to come.
#
# Of a foreign class, nothing is asked here. A number or a text may be sound where it is in doubt: numbers that are large,
# and texts that aren't ASCII. Of a float that isn't finite, nothing is left to subtract.
_TEXT = """
def take_usual(items, scales, events):
    job, weight, over, weights, total = scales.job, scales.weight, scales.over, scales.weights, 0
    for item in items:
        kind = type(item)
        if kind is Started:
            if {started}:
                break
        elif kind is Stopped:
            if {stopped}:
                break
            over = True
        elif kind is Success:
            if {success}:
                break
            if item.tags is not EMPTY:
                force_setattr(item, "tags", EMPTY)
        else:
            break
        its_job = item.job
        if its_job is not job:
            weighed = weights.get(id(its_job)) if weights else None
            if weighed is None:
                if type(its_job) is not Job or {job}:
                    break
                size = ALONE
                for each in its_job.args:
                    kind = type(each)
                    if kind is str:
                        if not each.isascii():
                            break
                        size += len(each)
                    elif kind is int:
                        if not -1_000_000_000 < each < 1_000_000_000:
                            break
                    elif kind is float:
                        if each - each != 0.0:
                            break
                    elif each is not None and kind is not bool:
                        break
                else:
                    if not its_job.kwargs and not its_job.extra:
                        weighed = its_job, size
                        if its_job.kwargs is not EMPTY:
                            force_setattr(its_job, "kwargs", EMPTY)
                        if its_job.extra is not EMPTY:
                            force_setattr(its_job, "extra", EMPTY)
                if weighed is None:
                    size = weigh_contents(its_job)
                    if size == NOT_PLAIN:
                        break
                    weighed = its_job, size
            if not over:
                scales.remember(job, weight)
            job, weight = weighed
            over = False
        total += weight
        events.append(item)
    else:
        item = NOTHING
    scales.put(job, weight, over=over)
    return total, item
"""


def _written_out() -> Callable[[Iterator[Any], Scales, list[Event]], tuple[int, Any]]:
    text = _TEXT.format(
        started=doubts_about_event(Started, "item"),
        stopped=doubts_about_event(Stopped, "item"),
        success=doubts_about_event(Success, "item"),
        job=doubts_about_job("its_job", known="job"),
    )
    names: dict[str, Any] = {
        "ALONE": EVENT + JOB,
        "EMPTY": EMPTY,
        "Job": Job,
        "NOTHING": NOTHING,
        "NOT_PLAIN": NOT_PLAIN,
        "ReadOnlyDict": ReadOnlyDict,
        "Started": Started,
        "Stopped": Stopped,
        "Success": Success,
        "force_setattr": force_setattr,
        "weigh_contents": weigh_contents,
    }
    exec(compile(text, "<jobreporter takes usual events>", "exec"), names)  # noqa: S102 - all of the text stands above
    return cast(Callable[[Iterator[Any], Scales, list[Event]], tuple[int, Any]], names["take_usual"])


#: Takes items, and appends them to the events, for as long as they are usual; the job of the last is on the scales then.
#: Returns the bytes of these events, and the item that it stopped at, which is taken and not appended: it is out of the
#: ordinary, as every `Ending` is. `NOTHING` if it stopped at the end.
take_usual = _written_out()
