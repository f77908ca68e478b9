"""The job as most of them are, found to be right, closed to changes and weighed in one look.

The pump does this for every job. Whatever is out of the ordinary is left to `checks`, `measure` and `read_only`, which
know what to make of it and how to refuse it.
"""

from __future__ import annotations

from msgspec.structs import force_setattr

from jobreporter._dispatch.checks import facts_are_right
from jobreporter._dispatch.read_only import EMPTY
from jobreporter.events import Job

#: What `usual_size` answers for any other job.
UNUSUAL = -1


def usual_size(job: Job) -> int:  # noqa: C901, PLR0912 - a branch for each kind of data, and no call for any
    """How many bytes the arguments take, roughly, of a job with nothing in doubt and no arguments but plain positional ones.

    A number or a text may be sound where it is in doubt here: numbers that are large, and texts that aren't ASCII. Nothing
    that is asked here is asked of a foreign class.
    """
    args, kwargs, extra = job.args, job.kwargs, job.extra
    if type(args) is not tuple or not facts_are_right(job):
        return UNUSUAL
    size = 0
    for each in args:
        kind = type(each)
        if kind is str:
            if not each.isascii():
                return UNUSUAL
            size += len(each)
        elif kind is int:
            if not -1_000_000_000 < each < 1_000_000_000:
                return UNUSUAL
        elif kind is float:
            if not -1e300 < each < 1e300:
                return UNUSUAL
        elif each is not None and kind is not bool:
            return UNUSUAL
    if kwargs is not EMPTY:
        if type(kwargs) is not dict or kwargs:
            return UNUSUAL
        force_setattr(job, "kwargs", EMPTY)
    if extra is not EMPTY:
        if type(extra) is not dict or extra:
            return UNUSUAL
        force_setattr(job, "extra", EMPTY)
    return size
