"""Jobs, events and errors for tests: name the fields that matter, the others have sensible values."""

from __future__ import annotations

import builtins
from typing import Any, TypeVar, overload

from jobreporter import EVENTS, ErrorInfo, Event, Failure, Frame, Job, Started, Stopped

AnyEvent = TypeVar("AnyEvent", bound=Event)

_KINDS: dict[str, type[Event]] = {kind.__name__.lower(): kind for kind in EVENTS}


def make_job(**fields: Any) -> Job:
    """A `Job` with the given fields: ``make_job(queue="mail", attempt=2)``."""
    fields.setdefault("id", "job-1")
    fields.setdefault("execution_id", f"{fields['id']}/{fields.get('attempt', 1)}")
    return Job(**{"name": "reports.nightly", "source": "python", "queue": "default", "worker": "host:1", **fields})


@overload
def make_event(kind: type[AnyEvent], /, **fields: Any) -> AnyEvent: ...
@overload
def make_event(kind: str, /, **fields: Any) -> Event: ...
def make_event(kind: str | type[Event], /, **fields: Any) -> Event:
    """An event with the given fields: ``make_event("failure", will_retry=True)`` or ``make_event(Failure, ...)``.

    Raises `ValueError` for a kind that is none.
    """
    if isinstance(kind, str):
        if kind not in _KINDS:
            raise ValueError(f"{kind!r} is no kind of event: the kinds are {', '.join(_KINDS)}")
        kind = _KINDS[kind]
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

    A type that is no builtin one counts as a direct subclass of ``Exception``, unless ``mro`` is given.
    """
    line = f"raise {type.rpartition('.')[2]}({message!r})"
    frame = Frame(filename="app/reports.py", lineno=12, function="nightly", module="app.reports", line=line)
    return ErrorInfo(type=type, message=message, **{"mro": _mro(type), "frames": (frame,), **fields})


def _mro(name: str) -> tuple[str, ...]:
    module, _, builtin = name.partition(".")
    if module == "builtins":
        return tuple(f"builtins.{base.__name__}" for base in getattr(builtins, builtin).__mro__)
    return (name, *_mro("builtins.Exception"))
