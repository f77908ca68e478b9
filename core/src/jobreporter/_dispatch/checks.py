"""Whether an event that was published raw has, in each field, what such a field has: no reporter gets one that hasn't.

What `begin` and an execution make has been looked at where it was made (`_publish.fields`). An event that a program made
itself has not.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any, NamedTuple, cast, get_args

from msgspec import Struct

from jobreporter._capture.bounds import HIGHEST, LOWEST
from jobreporter._dispatch.read_only import ReadOnlyDict
from jobreporter._foreign.classes import short_name
from jobreporter._publish.fields import CAPTURED, COUNTS, MOMENTS, OPTIONAL, TEXTS, sound
from jobreporter.events import Aborted, Event, Failure, FailureKind, Job, Outcome, Started, Stopped, Success


def check_job(job: object) -> None:
    """Raises TypeError that names the first field of the job that is wrong."""
    if type(job) is not Job:
        raise TypeError(f"job: expected a Job, found a value of type {short_name(type(job))}")
    _check(job, _JOB, "job ")


def check_event(event: Event) -> None:
    """Raises TypeError that names the first field of the event that is wrong; its job and its error are looked at apart."""
    kind = type(event)
    if not IS_RIGHT[kind](event):
        _check(event, _EVENTS[kind])


def check_error(event: Failure) -> None:
    """Raises TypeError for an error that is no sound `ErrorInfo`."""
    sound(event.error)


class Type(NamedTuple):
    """What a field may have.

    fits: whether a value has it. expected: how that is called in a refusal. doubts: an expression that is true of every
    ``VALUE`` that doesn't fit, and of few others.
    """

    fits: Callable[[Any], bool]
    expected: str
    doubts: str

    def or_none(self) -> Type:
        """The same, or ``None``."""
        fits = self.fits
        return Type(
            lambda value: value is None or fits(value),
            f"{self.expected} or None",
            f"VALUE is not None and ({self.doubts})",
        )


def _check(record: Any, fields: dict[str, Type], prefix: str = "") -> None:
    for field, expected in fields.items():
        value = getattr(record, field)
        if not expected.fits(value):
            found = short_name(type(value))
            raise TypeError(f"{prefix}{field}: expected {expected.expected}, found a value of type {found}")


def _number(value: Any) -> bool:
    kind = type(value)
    return (kind is float and isfinite(value)) or (kind is int and LOWEST <= value <= HIGHEST)


def _whole(value: Any) -> bool:
    return type(value) is int and LOWEST <= value <= HIGHEST


def _text(value: Any) -> bool:
    if type(value) is not str:
        return False
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _tags(value: Any) -> bool:
    return _is_dict(value) and all(_text(name) and _text(tag) for name, tag in value.items())


def _is_dict(value: Any) -> bool:
    return type(value) is dict or type(value) is ReadOnlyDict  # a class of somebody else's may answer anything


def _one_of(values: tuple[str, ...], what: str) -> Type:
    return Type(
        lambda value: type(value) is str and value in values, what, f"type(VALUE) is not str or VALUE not in {values!r}"
    )


_NO_DICT = "type(VALUE) is not dict and type(VALUE) is not ReadOnlyDict"

_VALID_TEXT = Type(_text, "valid text", "type(VALUE) is not str or not VALUE.isascii()")
# Compared with constants of its own type, a number takes a third of the time. Whatever is greater is looked at closely.
_NUMBER = Type(_number, "a finite number", "type(VALUE) is not float or not -1e18 < VALUE < 1e18")
_WHOLE = Type(_whole, "a whole number", "type(VALUE) is not int or not -1_000_000_000 < VALUE < 1_000_000_000")
_TUPLE = Type(lambda value: type(value) is tuple, "a tuple", "type(VALUE) is not tuple")
_DICT = Type(_is_dict, "a dict", _NO_DICT)
_TAGS = Type(_tags, "a dict of str to str", f"({_NO_DICT}) or VALUE")
_SECONDS = Type(_number, "a finite number", _NUMBER.doubts).or_none()
_FLAG = Type(
    lambda value: value is None or type(value) is bool,
    "True, False or None",
    "VALUE is not None and VALUE is not True and VALUE is not False",
)

_JOB = {
    field: type_.or_none() if field in OPTIONAL else type_
    for fields, type_ in (
        (TEXTS, _VALID_TEXT),
        (COUNTS, _WHOLE),
        (MOMENTS, _NUMBER),
        (["priority"], _WHOLE),
        (["args"], _TUPLE),
        (["kwargs", "extra"], _DICT),
    )
    for field in fields
}

_EVENTS: dict[type[Event], dict[str, Type]] = {
    Started: {"at": _NUMBER},
    Success: {"at": _NUMBER, "duration": _SECONDS, "queue_wait": _SECONDS, "tags": _TAGS},
    Aborted: {
        "at": _NUMBER,
        "reason": _VALID_TEXT,
        "will_retry": _FLAG,
        "duration": _SECONDS,
        "tags": _TAGS,
    },
    Failure: {
        "at": _NUMBER,
        "kind": _one_of(get_args(FailureKind), "a kind of failure"),
        "will_retry": _FLAG,
        "retry_delay": _SECONDS,
        "exit_status": _WHOLE.or_none(),
        "duration": _SECONDS,
        "queue_wait": _SECONDS,
        "tags": _TAGS,
    },
    Stopped: {"at": _NUMBER, "outcome": _one_of(get_args(Outcome), "an outcome"), "duration": _SECONDS},
}


def _compiled(record: type[Struct], fields: dict[str, Type]) -> Callable[[Any], bool]:
    """Whether there is no doubt about a record with these fields."""
    taken = [f"{field} = record.{field}" for field in fields]
    doubts = [f"({type_.doubts.replace('VALUE', field)})" for field, type_ in fields.items()]
    code = f"""
def is_right(record):
    {"; ".join(taken)}
    return not ({" or ".join(doubts)})
"""
    names: dict[str, Any] = {"ReadOnlyDict": ReadOnlyDict}
    exec(compile(code, f"<jobreporter checks a {record.__name__}>", "exec"), names)  # noqa: S102 - all of the code stands above
    return cast(Callable[[Any], bool], names["is_right"])


#: Whether one look says that all fields of a job are right but those that may hold anything. If not, `check_job` says what
#: is wrong, if anything is.
facts_are_right = _compiled(Job, {field: type_ for field, type_ in _JOB.items() if field not in CAPTURED})

#: For each kind of event, whether one look says that its own fields are right. If not, `check_event` says what is wrong, if
#: anything is.
IS_RIGHT = {kind: _compiled(kind, fields) for kind, fields in _EVENTS.items()}
