"""Events with every field set, for tests of the encoding, and the batches that hold them."""

from __future__ import annotations

from jobreporter import EVENTS, Aborted, ErrorInfo, Event, Failure, Frame, Job, Started, Stopped, Success
from jobreporter._stream.encode import Header
from jobreporter.context import Origin

ORIGIN = Origin(service="shop", environment="test", release="2.1", host="web-1", pid=4711, version="0.1.0")
HEADER = Header(producer=b"\x01\x02\x03\x04\x05\x06\x07\x08", first=17, origin=ORIGIN)

JOB = Job(
    id="j-1",
    execution_id="j-1/2/abc",
    name="shop.tasks.send",
    source="celery",
    queue="mail",
    args=(1, "two", [3.5, None], {"deep": True}),
    kwargs={"to": "ann", "id": -(2**63)},
    attempt=2,
    max_attempts=5,
    enqueued_at=1_700_000_000.25,
    scheduled_at=1_700_000_001.5,
    priority=9,
    worker="web-1:4711",
    correlation_id="c-1",
    root_id="j-0",
    parent_id="j-0",
    extra={"redelivered": True, "später": "ü"},
)
SMALL_JOB = Job(id="j-2", execution_id="j-2/1", name="small", source="python")

FRAME = Frame(filename="shop/tasks.py", lineno=12, function="send", module="shop.tasks", line="x()", locals={"a": "1"})
INNER = ErrorInfo(type="builtins.KeyError", message="'x'", mro=("builtins.KeyError",), frames=(FRAME,))
ERROR = ErrorInfo(
    type="shop.Declined",
    message="no funds",
    mro=("shop.Declined", "builtins.Exception"),
    frames=(FRAME, Frame(filename="a.py", lineno=1, function="f")),
    frames_omitted=3,
    cause=INNER,
    context=ErrorInfo(type="builtins.OSError", context=INNER),
    suppress_context=True,
    notes=("see the manual",),
    exceptions=(INNER, ErrorInfo(type="builtins.ValueError")),
)

FULL: tuple[Event, ...] = (
    Started(job=JOB, at=1_700_000_002.0),
    Success(job=JOB, at=1_700_000_003.0, duration=1.5, queue_wait=0.5, tags={"customer": "acme"}),
    Aborted(job=JOB, at=1_700_000_004.0, reason="skipped", will_retry=True, duration=2.5, tags={"a": "b"}),
    Failure(
        job=JOB,
        at=1_700_000_005.0,
        error=ERROR,
        kind="timeout",
        will_retry=False,
        retry_delay=7.5,
        duration=3.5,
        queue_wait=0.25,
        tags={"c": "d"},
    ),
    Stopped(job=JOB, at=1_700_000_006.0, outcome="failure", duration=4.5),
)
SMALL: tuple[Event, ...] = (
    Started(job=SMALL_JOB, at=1.0),
    Failure(job=SMALL_JOB, at=2.0, error=ErrorInfo(type="builtins.ValueError")),
    Stopped(job=SMALL_JOB, at=3.0, outcome="failure"),
)
assert {type(event) for event in FULL} == set(EVENTS)


def execution(number: int, *, end: bool = True) -> list[Event]:
    """The events of one successful execution; without ``end`` only its beginning."""
    job = Job(id=f"job-{number}", execution_id=f"job-{number}/1", name="work", source="python")
    events: list[Event] = [Started(job=job, at=float(number))]
    if end:
        events += [Success(job=job, at=number + 0.5), Stopped(job=job, at=number + 0.5, outcome="success")]
    return events


def beginnings(count: int) -> list[Event]:
    """So many events, each of a job of its own."""
    return [execution(number, end=False)[0] for number in range(count)]
