"""What `begin` and an execution take for a field, what they turn into it, and what they refuse."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta, tzinfo
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

import pytest

from jobreporter import Dispatcher, ErrorInfo, Failure, Job
from jobreporter._publish import fields as table
from jobreporter._publish import job_maker
from jobreporter._publish.job_maker import JobMaker
from jobreporter.testing import Recorder, make_error

SOME_ID = UUID("12345678123456781234567812345678")
MOMENT = datetime(2026, 1, 2, tzinfo=UTC)


class Level(IntEnum):
    HIGH = 9


class Queue(StrEnum):
    MAIL = "mail"


class BrokenZone(tzinfo):
    """A time zone that can't say what it is."""

    def __init__(self, error: type[BaseException] = RuntimeError) -> None:
        self.error = error

    def utcoffset(self, _moment: datetime | None) -> timedelta:
        raise self.error


@pytest.mark.parametrize(
    ("field", "given", "taken"),
    [
        ("id", 4, "4"),
        ("id", 0, "0"),
        ("id", SOME_ID, str(SOME_ID)),
        ("root_id", 7, "7"),
        ("parent_id", SOME_ID, str(SOME_ID)),
        ("queue", Queue.MAIL, "mail"),
        ("queue", None, None),
        ("priority", Level.HIGH, 9),
        ("priority", -3, -3),
        ("attempt", Level.HIGH, 9),
        ("attempt", None, 1),
        ("max_attempts", 3, 3),
        ("enqueued_at", MOMENT, MOMENT.timestamp()),
        ("scheduled_at", 12, 12.0),
        ("enqueued_at", 0.5, 0.5),
        ("extra", {"a": MOMENT}, {"a": repr(MOMENT)}),
    ],
)
def test_what_is_obviously_meant_is_taken(dispatcher: Dispatcher, field: str, given: Any, taken: Any) -> None:
    """An id that is a number, a moment with a time zone, an enumeration's member."""
    value = getattr(dispatcher.begin("a", **{field: given}).job, field)
    assert value == taken
    assert isinstance(value, type(taken))


@pytest.mark.parametrize(
    ("field", "given", "error", "sentence"),
    [
        ("queue", 7, TypeError, "job queue: expected a str or None, found 7 (int)"),
        ("id", 1.5, TypeError, "job id: expected a str, found 1.5 (float)"),
        ("id", b"x", TypeError, "job id: expected a str, found a value of type bytes"),
        ("source", 3, TypeError, "job source: expected a str, found 3 (int)"),
        ("attempt", 0, ValueError, "job attempt: expected a whole number, 1 at least, found 0 (int)"),
        ("attempt", True, TypeError, "job attempt: expected a whole number, 1 at least, found True (bool)"),
        ("max_attempts", "3", TypeError, "job max_attempts: expected a whole number, 1 at least, found '3' (str)"),
        ("max_attempts", 10**400, ValueError, "job max_attempts: expected a whole number, 1 at least, found"),
        ("priority", "high", TypeError, "job priority: expected a whole number or None, found 'high' (str)"),
        (
            "enqueued_at",
            MOMENT.replace(tzinfo=None),
            ValueError,
            "job enqueued_at: expected a datetime with a time zone, found one without",
        ),
        ("enqueued_at", MOMENT.replace(tzinfo=BrokenZone()), ValueError, "expected a datetime with a time zone"),
        ("enqueued_at", MOMENT.replace(tzinfo=BrokenZone(SystemExit)), ValueError, "found one without"),
        ("scheduled_at", float("nan"), ValueError, "job scheduled_at: expected seconds since 1970"),
        ("scheduled_at", float("inf"), ValueError, "found inf (float)"),
        ("scheduled_at", 10**400, ValueError, "job scheduled_at: expected seconds since 1970"),
        ("scheduled_at", "tomorrow", TypeError, "found 'tomorrow' (str)"),
        ("worker", ["a"], TypeError, "job worker: expected a str or None, found a value of type list"),
        ("extra", [1], TypeError, "job extra: expected a dict, found a value of type list"),
        ("argument_names", 5, TypeError, "job argument_names: expected a tuple or a list of texts, found 5 (int)"),
        ("argument_names", "user", TypeError, "found 'user' (str)"),
        ("argument_names", ["user", 1], TypeError, "found a value of type list"),
    ],
)
def test_a_programs_mistake_is_raised(
    dispatcher: Dispatcher, recorder: Recorder, field: str, given: Any, error: type[Exception], sentence: str
) -> None:
    """One sentence with the field, what was found, and what was expected; nothing is published."""
    with pytest.raises(error) as raised:
        dispatcher.begin("a", **{field: given})
    assert sentence in str(raised.value)
    assert type(raised.value) is error
    dispatcher.flush(10)
    assert recorder.events == []


@pytest.mark.parametrize("field", ["queue", "id", "attempt", "priority", "enqueued_at", "extra"])
def test_the_class_of_a_value_is_not_asked_whether_it_equals_one(dispatcher: Dispatcher, field: str) -> None:
    """A metaclass may compare as it likes: the sentence is about the field."""

    class Meta(type):
        def __eq__(cls, _other: object) -> bool:
            raise OSError("asked")

        def __hash__(cls) -> int:
            raise OSError("asked")

    class Odd(metaclass=Meta):
        pass

    with pytest.raises(TypeError, match=rf"job {field}: expected .*, found a value of type .*Odd"):
        dispatcher.begin("a", **{field: Odd()})


def test_a_name_has_to_be_text(dispatcher: Dispatcher) -> None:
    """There is no job without a name."""
    with pytest.raises(TypeError, match=r"job name: expected a str, found a value of type NoneType"):
        dispatcher.begin(None)  # type: ignore[arg-type]


UNFIT: dict[str, Any] = {
    "id": object(),
    "execution_id": b"",
    "queue": 7,
    "attempt": "second",
    "max_attempts": -1,
    "enqueued_at": float("nan"),
    "scheduled_at": MOMENT.replace(tzinfo=None),
    "priority": 10**400,
    "worker": 5,
    "correlation_id": object(),
    "root_id": [],
    "parent_id": {},
    "extra": "text",
    "source": None,
}


def test_what_a_source_has_from_outside_is_left_out(dispatcher: Dispatcher, recorder: Recorder) -> None:
    """Field by field: the execution is reported with all that is right."""
    execution = dispatcher.begin(7, strict=False, **UNFIT, args=(1,), kwargs={"a": 2})  # type: ignore[arg-type]
    execution.fail(ValueError("x"), will_retry="perhaps", retry_delay=float("nan"), kind="odd", exit_status="9")  # type: ignore[arg-type]
    execution.stop()
    assert dispatcher.flush(10)
    job = execution.job
    assert (job.name, job.source, job.args, job.kwargs) == ("7", "python", (1,), {"a": 2})
    defaults = Job(id="", execution_id="", name="", source="")
    for field in ("queue", "attempt", "max_attempts", "enqueued_at", "scheduled_at", "priority", "root_id", "extra"):
        assert getattr(job, field) == getattr(defaults, field), field
    assert job.id
    assert job.execution_id == f"{job.id}:1"
    assert [call.hook for call in recorder.calls[1:4]] == ["handle_started", "handle_failure", "handle_stopped"]
    [failure] = [event for event in recorder.events if isinstance(event, Failure)]
    assert (failure.will_retry, failure.retry_delay, failure.kind, failure.exit_status) == (
        None,
        None,
        "exception",
        None,
    )


@pytest.mark.parametrize("strict", [True, False])
def test_an_unknown_field_is_a_mistake_in_any_case(dispatcher: Dispatcher, strict: bool) -> None:
    """It is told with the nearest right name, also beside a value that is wrong."""
    with pytest.raises(TypeError, match=r"a job has no field 'quue'. Did you mean 'queue'\?"):
        dispatcher.begin("a", strict=strict, quue="mail", attempt="x")


@pytest.mark.parametrize(
    ("given", "error", "sentence"),
    [
        ({"kind": "tiemout"}, ValueError, "Did you mean 'timeout'?"),
        ({"kind": 3}, TypeError, "kind: expected one of 'exception', 'timeout', 'worker_lost', 'exit_code'"),
        ({"will_retry": "no"}, TypeError, "will_retry: expected True, False or None, found 'no' (str)"),
        ({"retry_delay": -1}, ValueError, "retry_delay: expected seconds, 0 at least, or a timedelta, found -1 (int)"),
        ({"retry_delay": float("nan")}, ValueError, "retry_delay: expected seconds"),
        ({"exit_status": 1.5}, TypeError, "exit_status: expected a whole number or None, found 1.5 (float)"),
    ],
)
def test_an_outcome_is_held_to_the_same(
    dispatcher: Dispatcher, given: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    """A mistake in `fail` is raised where it is made."""
    execution = dispatcher.begin("a")
    with pytest.raises(error) as raised:
        execution.fail(ValueError("x"), **given)
    assert sentence in str(raised.value)
    execution.stop()


def test_a_timedelta_will_do_for_a_delay(dispatcher: Dispatcher, recorder: Recorder) -> None:
    """It becomes seconds."""
    execution = dispatcher.begin("a")
    execution.fail(ValueError("x"), will_retry=True, retry_delay=timedelta(minutes=2), exit_status=-9)  # type: ignore[arg-type]
    execution.stop()
    dispatcher.flush(10)
    [failure] = [event for event in recorder.events if isinstance(event, Failure)]
    assert (failure.retry_delay, failure.exit_status) == (120.0, -9)


@pytest.mark.parametrize("wrong", ["boom", ValueError, None, ErrorInfo(type=5), make_error(notes=(1,))])  # type: ignore[arg-type]
def test_what_is_no_error(dispatcher: Dispatcher, recorder: Recorder, wrong: Any) -> None:
    """A program's mistake is raised; of a source's, what it was becomes the message."""
    with pytest.raises(TypeError, match=r"^error: "):
        dispatcher.begin("a").fail(wrong)
    execution = dispatcher.begin("a", strict=False)
    execution.fail(wrong)
    execution.stop()
    dispatcher.flush(10)
    assert [type(event) for event in recorder.events if event.job is execution.job][1] is Failure


def test_the_table_knows_every_field() -> None:
    """A field that a job gets has its line in the table, and so has one of an outcome."""
    assert set(Job.__struct_fields__) == table.TEXTS | table.COUNTS | table.MOMENTS | table.CAPTURED | {"priority"}
    documented = inspect.getdoc(table) or ""
    assert [field for field in (*Job.__struct_fields__, *table.OUTCOME) if f"`{field}`" not in documented] == []
    assert JobMaker


#: What sources say of most jobs.
USUAL: dict[str, Any] = {
    "id": "job-1",
    "execution_id": "job-1:1",
    "queue": "mail",
    "args": (1, "a"),
    "kwargs": {"a": [1]},
    "attempt": 1,
    "max_attempts": 4,
    "enqueued_at": 1.5,
    "scheduled_at": None,
    "priority": 0,
    "worker": "host:1",
    "correlation_id": "job-0",
    "root_id": "job-0",
    "parent_id": None,
    "extra": {"node": "a"},
}


def looked_up(monkeypatch: pytest.MonkeyPatch, dispatcher: Dispatcher, **fields: Any) -> list[str]:
    """The fields of a job that take the way through the table, which costs as much as all the rest of a job."""
    found = []

    def fitting(field: str, value: Any) -> Any:
        found.append(field)
        return table.fitting(field, value)

    monkeypatch.setattr(job_maker, "fitting", fitting)
    dispatcher.begin("a", **fields)
    return found


def test_the_usual_values_are_seen_to_be_right_at_once(monkeypatch: pytest.MonkeyPatch, dispatcher: Dispatcher) -> None:
    """Of every field that a job has."""
    assert USUAL.keys() | {"name", "source"} == set(Job.__struct_fields__)
    assert looked_up(monkeypatch, dispatcher, **USUAL) == []


@pytest.mark.parametrize(
    ("field", "value", "unusual"),
    [
        ("id", 7, True),
        ("queue", "post\xe9", True),
        ("attempt", 2**62, False),
        ("priority", -(2**63), False),
    ],
)
def test_an_unusual_value_costs_its_own_field_alone(
    monkeypatch: pytest.MonkeyPatch, dispatcher: Dispatcher, field: str, value: Any, unusual: bool
) -> None:
    """The others are not looked at again. Any number of 64 bits is usual."""
    expected = [field] if unusual else []
    assert looked_up(monkeypatch, dispatcher, **{**USUAL, field: value}) == expected
