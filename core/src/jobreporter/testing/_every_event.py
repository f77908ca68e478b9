"""What a reporter has to bear: every kind of event, made from the records themselves, so that a new field is among them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import msgspec

from jobreporter import ABORT_REASONS, EVENTS, Aborted, ErrorInfo, Event, Failure, Frame, Job, Stopped
from jobreporter.testing._make import make_event, make_job

#: The sources that jobreporter has, some that it doesn't have, and one that nobody has heard of.
SOURCES = ("celery", "rq", "dramatiq", "huey", "command", "python", "arq", "taskiq", "procrastinate", "somebody's own")

#: Line ends, escapes, a NUL, text that runs backwards, and the special characters of whatever it may be pasted into.
HOSTILE = "two\nlines \x1b[31m \x00 \u202e <script>alert(1)</script> {{7*7}} %s %(x)s '\"; -- \U0001f4a3"


def every_event() -> list[Event]:
    """Every kind of event that a source may publish, a few hundred in all.

    That is, of every source and kind, one with nothing but the fields that there must be, and one with all of them; then
    one for each optional field of `Job` and of the event that is missing; each outcome, kind of failure and reason to
    abort; and hostile ones: control characters, markup, very long and very deep data, long chains of errors.
    """
    return [*_of_sources(), *_with_a_field_missing(), *_variants(), *_hostile()]


def _of_sources() -> Iterator[Event]:
    for source, kind in product(SOURCES, EVENTS):
        yield _bare(kind, Job(id="1", execution_id=f"{source}:1", name="reports.nightly", source=source))
        yield _full(kind, _full_job(source=source, execution_id=f"{source}:2"))


def _with_a_field_missing() -> Iterator[Event]:
    jobs = [_without(_full_job(execution_id=f"without {name}"), name) for name in _optional(Job)]
    for kind in EVENTS:
        yield from (_full(kind, job) for job in jobs)
        whole = _full(kind, _full_job(execution_id=kind.__name__))
        yield from (_without(whole, name) for name in _optional(kind))


def _variants() -> Iterator[Event]:
    yield from (make_event(Aborted, reason=reason) for reason in (*ABORT_REASONS, "the job's own reason"))
    yield from (make_event(Stopped, outcome=outcome) for outcome in ("success", "aborted", "failure"))
    kinds = ("exception", "timeout", "worker_lost", "exit_code")
    yield from (make_event(Failure, kind=kind, will_retry=again) for kind in kinds for again in (None, False, True))
    yield make_event(Failure, kind="exit_code", exit_status=-9, error=ErrorInfo(type="jobreporter.Killed"))


def _hostile() -> Iterator[Event]:
    job = Job(
        id=HOSTILE,
        execution_id=f"hostile:{HOSTILE}",
        name=HOSTILE * 30,
        source="python",
        queue=HOSTILE,
        args=(HOSTILE * 500, _deep(20), b"not text".hex()),
        kwargs={HOSTILE: _deep(20), "": None},
        attempt=2**31,
        max_attempts=2**53,
        priority=-(2**53),
        enqueued_at=0.0,
        extra={HOSTILE: [HOSTILE]},
    )
    tags = {HOSTILE: HOSTILE}
    for kind in EVENTS:
        more: dict[str, Any] = {"tags": tags} if "tags" in kind.__struct_fields__ else {}
        yield make_event(kind, job=job, at=0.0, **more)
    yield make_event(Aborted, job=job, reason=HOSTILE, duration=1e12)
    yield make_event(Failure, job=job, error=_chain(10), tags=tags)
    yield make_event(Failure, job=job, error=ErrorInfo(type=HOSTILE, message=HOSTILE * 1000))


def _bare(kind: type[Event], job: Job) -> Event:
    required: dict[type[Event], dict[str, Any]] = {
        Failure: {"error": ErrorInfo(type="builtins.ValueError")},
        Stopped: {"outcome": "failure"},
    }
    return kind(job=job, at=1_700_000_000.0, **required.get(kind, {}))


def _full(kind: type[Event], job: Job) -> Event:
    everything: dict[str, Any] = {
        "duration": 1.5,
        "queue_wait": 0.5,
        "tags": {"customer": "acme"},
        "reason": "rejected",
        "will_retry": True,
        "retry_delay": 3.0,
        "exit_status": 3,
        "kind": "timeout",
        "error": _chain(2),
        "outcome": "aborted",
    }
    return make_event(kind, job=job, **{name: everything[name] for name in kind.__struct_fields__[2:]})


def _full_job(**fields: Any) -> Job:
    return make_job(
        args=(1, None, 2.5, True, "x", [1, {"a": ()}]),
        kwargs={"user": "ann"},
        attempt=3,
        max_attempts=5,
        enqueued_at=1_700_000_000.0,
        scheduled_at=1_700_000_001.0,
        priority=-3,
        correlation_id="c",
        root_id="r",
        parent_id="p",
        extra={"routing_key": "x"},
        **fields,
    )


def _optional(record: type[msgspec.Struct]) -> list[str]:
    return [field.name for field in msgspec.structs.fields(record) if not field.required]


def _without(record: Any, name: str) -> Any:
    """The record with one field as if nobody had given it."""
    (field,) = (field for field in msgspec.structs.fields(record) if field.name == name)
    default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return msgspec.structs.replace(record, **{name: default})


def _deep(levels: int) -> Any:
    data: Any = "bottom"
    for _ in range(levels):
        data = {"deeper": [data]}
    return data


def _chain(levels: int) -> ErrorInfo:
    frames = tuple(Frame(filename="/app/jobs.py", lineno=line, function="run") for line in range(1, 60))
    error = ErrorInfo(type="builtins.ValueError", message=HOSTILE, frames=frames)
    for level in range(levels):
        error = ErrorInfo(type=f"shop.Level{level}", message="", cause=error, frames=frames, notes=(HOSTILE,))
    return ErrorInfo(type="builtins.ExceptionGroup", message="group", exceptions=(error, error))
