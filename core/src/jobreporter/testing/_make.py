"""Jobs, events and errors for tests: name the fields that matter, the others have sensible values."""

from __future__ import annotations

import builtins
from typing import Any, TypeVar, overload

from jobreporter import KINDS, ErrorInfo, Event, Failure, Frame, Job, Started, Stopped

AnyEvent = TypeVar("AnyEvent", bound=Event)


def make_job(**fields: Any) -> Job:
    """A `Job` with the given fields: ``make_job(queue="mail", attempt=2)``.

    In brackets is what a field is where it isn't given. A name that is no field is a `TypeError`.

    - id: the job's identity in its queue, the same for each attempt (``"job-1"``)
    - execution_id: that of this attempt; where it isn't given, id and attempt with a slash (``"job-1/1"``)
    - name: what the queue calls the function (``"reports.nightly"``)
    - source: which source reported it (``"python"``)
    - queue: the queue that it was taken from, or ``None`` (``"default"``)
    - args: a tuple of plain data, as captured and redacted (``()``)
    - kwargs: a dict of plain data, as captured and redacted (``{}``)
    - attempt: a number from 1 (``1``)
    - max_attempts: how many attempts there will be at most, if known (``None``)
    - enqueued_at: Unix seconds, if known (``None``)
    - scheduled_at: when it was meant to run, Unix seconds, if known (``None``)
    - priority: the queue's own number, if it has one (``None``)
    - worker: ``host:pid`` of the process that runs it, or ``None`` (``"host:1"``)
    - correlation_id: shared by all jobs that one request or job led to (``None``)
    - root_id: the ``id`` of the first job of the chain (``None``)
    - parent_id: the ``id`` of the job that enqueued this one (``None``)
    - extra: a dict of the source's own facts, as plain data (``{}``)
    """
    fields.setdefault("id", "job-1")
    fields.setdefault("execution_id", f"{fields['id']}/{fields.get('attempt', 1)}")
    return Job(**{"name": "reports.nightly", "source": "python", "queue": "default", "worker": "host:1", **fields})


@overload
def make_event(kind: type[AnyEvent], /, **fields: Any) -> AnyEvent: ...
@overload
def make_event(kind: str, /, **fields: Any) -> Event: ...
def make_event(kind: str | type[Event], /, **fields: Any) -> Event:
    """An event with the given fields: ``make_event("failure", will_retry=True)`` or ``make_event(Failure, ...)``.

    The first argument says which kind of event, by its name or its class. In brackets is what a field is where it isn't
    given, and which kinds have it. Raises `ValueError` for a kind that is none, `TypeError` for a field that the kind
    doesn't have.

    - job: a `Job` (``make_job()``; all)
    - at: when it happened, Unix seconds (``1_700_000_000.0``; all)
    - duration: seconds since the start; ``None``: no start was seen (``0.25``; success, aborted, failure, stopped)
    - queue_wait: seconds that the job waited before, if known (``None``; success, failure)
    - tags: a dict of text, which the job itself set (``{}``; success, aborted, failure)
    - reason: one of `ABORT_REASONS`, or the job's own word (``"unknown"``; aborted)
    - will_retry: whether another attempt follows; ``None``: the source can't know (``None``; aborted, failure)
    - error: an `ErrorInfo` (``make_error()``; failure)
    - kind: ``"exception"``, ``"timeout"``, ``"worker_lost"`` or ``"exit_code"`` (``"exception"``; failure)
    - retry_delay: seconds until the next attempt, if known (``None``; failure)
    - exit_status: that of the process that ended, minus n for signal n (``None``; failure)
    - outcome: ``"success"``, ``"aborted"`` or ``"failure"`` (``"success"``; stopped)
    """
    if isinstance(kind, str):
        named = {name: known for name, known in KINDS.items() if name == kind}
        if not named:
            raise ValueError(f"{kind!r} is no kind of event: the kinds are {', '.join(KINDS)}")
        (kind,) = named.values()
    if "job" not in fields:
        fields["job"] = make_job()
    fields.setdefault("at", 1_700_000_000.0)
    if kind is not Started:
        fields.setdefault("duration", 0.25)
    if kind is Failure and "error" not in fields:
        fields["error"] = make_error()
    if kind is Stopped:
        fields.setdefault("outcome", "success")
    return kind(**fields)


def make_error(type: str = "builtins.ValueError", message: str = "boom", **fields: Any) -> ErrorInfo:
    """An `ErrorInfo` with one frame: ``make_error("shop.errors.Declined", "no funds", cause=make_error())``.

    In brackets is what a field is where it isn't given. A name that is no field is a `TypeError`.

    - type: the full name of its class (``"builtins.ValueError"``)
    - message: what ``str()`` of it says (``"boom"``)
    - mro: the full names of its class and all bases; for a type that isn't builtin, a direct subclass of ``Exception``
      (``("builtins.ValueError", "builtins.Exception", "builtins.BaseException", "builtins.object")``)
    - frames: a tuple of `Frame`, outermost call first (one, in the function ``nightly`` of ``app/reports.py``)
    - frames_omitted: how many calls of a long stack are missing from ``frames`` (``0``)
    - cause: the `ErrorInfo` that it was raised ``from`` (``None``)
    - context: the `ErrorInfo` that was being handled when it was raised (``None``)
    - suppress_context: whether a traceback leaves ``context`` out (``False``)
    - notes: a tuple of text, as of ``add_note`` (``()``)
    - exceptions: a tuple of `ErrorInfo`, the members of an exception group (``()``)
    """
    line = f"raise {type.rpartition('.')[2]}({message!r})"
    frame = Frame(filename="app/reports.py", lineno=12, function="nightly", module="app.reports", line=line)
    return ErrorInfo(type=type, message=message, **{"mro": _mro(type), "frames": (frame,), **fields})


def _mro(name: str) -> tuple[str, ...]:
    module, _, builtin = name.partition(".")
    if module == "builtins":
        return tuple(f"builtins.{base.__name__}" for base in getattr(builtins, builtin).__mro__)
    return (name, *_mro("builtins.Exception"))
