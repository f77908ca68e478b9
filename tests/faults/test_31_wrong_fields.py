"""Row 31: a field of a job or of its outcome is of the wrong type, or no finite number."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
import pytest

from jobreporter import Dispatcher, Failure, Job
from jobreporter.testing import Recorder

ODD: tuple[Any, ...] = (
    object(),
    b"bytes",
    [7],
    1.5,
    math.nan,
    math.inf,
    10**400,
    -1,
    True,
    "tiemout",
    datetime(2026, 1, 2),  # noqa: DTZ001 - one without a zone is meant
)
OUTCOME = ("will_retry", "retry_delay", "kind", "exit_status")
FIELDS = [field for field in Job.__struct_fields__ if field not in ("name", "args", "kwargs")]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def dispatcher(recorder: Recorder) -> Iterator[Dispatcher]:
    with Dispatcher({"recorder": recorder}) as dispatcher:
        yield dispatcher


def numbers(value: Any) -> Iterator[float]:
    """Every number in plain data."""
    if isinstance(value, float):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ():
        yield from numbers(each)


@pytest.mark.parametrize("odd", ODD, ids=lambda value: f"{type(value).__name__} {str(value)[:10]}")
def test_no_reporter_sees_one_that_came_from_outside(dispatcher: Dispatcher, recorder: Recorder, odd: Any) -> None:
    """Whatever a header said: the event is there, all its fields are of their types, and all numbers are finite."""
    for field in FIELDS:
        with dispatcher.begin("a", strict=False, **{field: odd}):
            pass
    for field in OUTCOME:
        execution = dispatcher.begin("a", strict=False)
        execution.fail(ValueError("x"), **{field: odd})
        execution.stop()
    assert dispatcher.flush(20)

    stats = dispatcher.stats()["recorder"]
    assert (stats.handled, stats.lost) == (3 * (len(FIELDS) + len(OUTCOME)), 0)
    for event in recorder.events:
        written = msgspec.to_builtins(event)
        assert msgspec.convert(written, type(event)) == event
        assert all(map(math.isfinite, numbers(written)))


@pytest.mark.parametrize(
    ("field", "odd"),
    [("queue", 7), ("max_attempts", "3"), ("enqueued_at", datetime(2026, 1, 2))],  # noqa: DTZ001 - likewise
)
def test_a_programs_own_mistake_is_raised_where_it_is_made(
    dispatcher: Dispatcher, recorder: Recorder, field: str, odd: Any
) -> None:
    """In a sentence that names the field, and nothing is published."""
    with pytest.raises((TypeError, ValueError), match=f"job {field}: expected .*, found "):
        dispatcher.begin("a", **{field: odd})
    assert dispatcher.flush(20)
    assert recorder.events == []


def test_a_mistake_in_an_outcome_is_raised_and_the_execution_goes_on(
    dispatcher: Dispatcher, recorder: Recorder
) -> None:
    """It can still be ended as it should."""
    execution = dispatcher.begin("a")
    with pytest.raises(ValueError, match=r"kind: expected .* Did you mean 'timeout'"):
        execution.fail(ValueError("x"), kind="tiemout")  # type: ignore[arg-type]
    execution.fail(ValueError("x"), kind="timeout")
    execution.stop()
    assert dispatcher.flush(20)
    assert [event.kind for event in recorder.events if isinstance(event, Failure)] == ["timeout"]
