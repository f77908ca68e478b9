"""An event that was published raw, with something else in a field than belongs there, reaches no reporter."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from jobreporter import Dispatcher, ErrorInfo, Frame
from jobreporter.testing import Recorder, make_error, make_event, make_job

NAN, INFINITE, HUGE = float("nan"), float("inf"), 10**400


class Text(str):
    """Text whose methods are somebody's own."""

    __slots__ = ()


WRONG_JOBS: list[dict[str, Any]] = [
    {"id": 4},
    {"execution_id": b"x"},
    {"name": None},
    {"name": "\ud800"},
    {"name": Text("a")},
    {"source": 1},
    {"queue": 7},
    {"attempt": "1"},
    {"attempt": True},
    {"attempt": 2**70},
    {"max_attempts": "3"},
    {"max_attempts": 2.0},
    {"enqueued_at": datetime.now(UTC)},
    {"enqueued_at": NAN},
    {"scheduled_at": INFINITE},
    {"scheduled_at": HUGE},
    {"priority": 1.5},
    {"worker": ("host", 1)},
    {"correlation_id": 1},
    {"root_id": object()},
    {"args": [1]},
    {"args": (NAN,)},
    {"kwargs": [("a", 1)]},
    {"kwargs": {1: 2}},
    {"extra": None},
    {"extra": {"a": object()}},
]

WRONG_EVENTS: list[tuple[str, dict[str, Any]]] = [
    ("started", {"at": NAN}),
    ("started", {"at": "now"}),
    ("started", {"at": None}),
    ("success", {"duration": INFINITE}),
    ("success", {"queue_wait": "1"}),
    ("success", {"tags": {"a": 1}}),
    ("success", {"tags": {1: "a"}}),
    ("success", {"tags": None}),
    ("success", {"tags": [("a", "b")]}),
    ("aborted", {"reason": None}),
    ("aborted", {"will_retry": "yes"}),
    ("aborted", {"duration": HUGE}),
    ("failure", {"kind": "tiemout"}),
    ("failure", {"will_retry": 1}),
    ("failure", {"retry_delay": NAN}),
    ("failure", {"exit_status": "9"}),
    ("failure", {"error": ValueError("x")}),
    ("failure", {"error": ErrorInfo(type=5)}),  # type: ignore[arg-type]
    ("failure", {"error": make_error(message=None)}),
    ("failure", {"error": make_error(frames=[Frame(filename=1, lineno="x", function=None)])}),  # type: ignore[arg-type]
    ("failure", {"error": make_error(cause=ErrorInfo(type="a", notes=(1,)))}),  # type: ignore[arg-type]
    ("stopped", {"outcome": "sucess"}),
    ("stopped", {"outcome": None}),
    ("stopped", {"duration": True}),
]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def invalid(recorder: Recorder, *events: Any) -> int:
    """How many of the events are dropped as invalid; an event that is right, published behind them, arrives."""
    with Dispatcher({"recorder": recorder}) as dispatcher:
        for event in events:
            dispatcher.publish(event)
        dispatcher.publish(make_event("started", job=make_job(id="right")))
        assert dispatcher.flush(10)
        stats = dispatcher.stats()["recorder"]
    assert recorder.events[-1].job.id == "right"
    assert stats.handled == len(recorder.events)
    return stats.dropped.get("invalid", 0)


@pytest.mark.parametrize("fields", WRONG_JOBS, ids=lambda fields: "-".join(map(str, fields)))
def test_a_job_with_a_wrong_field(recorder: Recorder, fields: dict[str, Any]) -> None:
    """It costs its own events alone."""
    job = make_job(**fields)
    assert invalid(recorder, make_event("started", job=job), make_event("stopped", job=job)) == 2


@pytest.mark.parametrize(
    ("kind", "fields"), WRONG_EVENTS, ids=lambda value: value if isinstance(value, str) else "-".join(value)
)
def test_an_event_with_a_wrong_field(recorder: Recorder, kind: str, fields: dict[str, Any]) -> None:
    """Also behind events of the same job that were right."""
    job = make_job()
    assert invalid(recorder, make_event("started", job=job), make_event(kind, job=job, **fields)) == 1


def test_what_is_no_job(recorder: Recorder) -> None:
    """A dict in the place of a job is told by its type."""
    assert invalid(recorder, make_event("started", job={"id": "1"})) == 1


@pytest.mark.parametrize("kind", ["started", "success", "aborted", "failure", "stopped"])
def test_an_event_of_no_job(recorder: Recorder, kind: str) -> None:
    """As the first that is published at all, and behind one whose job was wrong."""
    nobodys = msgspec.structs.replace(make_event(kind), job=None)
    assert invalid(recorder, nobodys, make_event("started", job=make_job(args=[1])), nobodys) == 3


def test_a_job_that_was_right_once_is_known(recorder: Recorder) -> None:
    """Jobs that go on side by side are looked at once each, and all their events arrive."""
    jobs = [make_job(id=str(number), kwargs={"n": [number]}) for number in range(1_500)]
    events = [make_event(kind, job=job) for kind in ("started", "success", "stopped") for job in jobs]
    assert invalid(recorder, *events) == 0
    assert len(recorder.events) == 4_501


def test_integers_will_do_for_numbers(recorder: Recorder) -> None:
    """A time in whole seconds is a number like another."""
    assert invalid(recorder, make_event("success", at=1, duration=2, queue_wait=0, job=make_job(enqueued_at=3))) == 0
