"""Whether an event that was published raw has, in each field, what such a field has: no reporter gets one that hasn't.

What `begin` and an execution make has been looked at where it was made (`_publish.fields`). An event that a program made
itself has not.

Each field's type is said once, in two forms: a function that decides, and an expression that clears most values at once, of
which `usual` builds its one look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any, NamedTuple, get_args

from jobreporter._capture.bounds import HIGHEST, LOWEST
from jobreporter._dispatch.read_only import ReadOnlyDict
from jobreporter._foreign.classes import short_name
from jobreporter._publish.fields import COUNTS, MOMENTS, OPTIONAL, TEXTS, sound
from jobreporter.events import Aborted, Event, Failure, FailureKind, Job, Outcome, Started, Stopped, Success


def check_job(job: object) -> None:
    """Raises TypeError that names the first field of the job that is wrong."""
    if type(job) is not Job:
        raise TypeError(f"job: expected a Job, found a value of type {short_name(type(job))}")
    _check(job, _JOB, "job ")


def check_event(event: Event) -> None:
    """Raises TypeError that names the first field of the event that is wrong; its job and its error are looked at apart."""
    _check(event, _EVENTS[type(event)])


def check_error(event: Failure) -> None:
    """Raises TypeError for an error that is no sound `ErrorInfo`."""
    sound(event.error)


class Type(NamedTuple):
    """What a field may have.

    fits: whether a value has it. expected: how that is called in a refusal. doubts: an expression that is true of every
    ``VALUE`` that doesn't fit, and of few others. optional: whether it may be ``None``, of which that isn't asked.
    """

    fits: Callable[[Any], bool]
    expected: str
    doubts: str
    optional: bool = False

    def or_none(self) -> Type:
        """The same, or ``None``."""
        fits = self.fits
        return Type(lambda value: value is None or fits(value), f"{self.expected} or None", self.doubts, optional=True)

    def doubts_about(self, place: str) -> str:
        """The expression for what is at a place, which is read once however often the expression asks."""
        doubts = self.doubts.replace("VALUE", f"(value := {place})", 1).replace("VALUE", "value")
        return f"{place} is not None and ({doubts})" if self.optional else doubts


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


# Empty dicts of most events are this one already.
_NO_DICT = "VALUE is not EMPTY and type(VALUE) is not dict and type(VALUE) is not ReadOnlyDict"

_VALID_TEXT = Type(_text, "valid text", "type(VALUE) is not str or not VALUE.isascii()")
# Of a float that isn't finite, nothing is left to subtract.
_NUMBER = Type(_number, "a finite number", "type(VALUE) is not float or VALUE - VALUE != 0.0")
# Compared with constants of its own size, a number takes a third of the time. Whatever is greater is looked at closely.
_WHOLE = Type(_whole, "a whole number", "type(VALUE) is not int or not -1_000_000_000 < VALUE < 1_000_000_000")
_TUPLE = Type(lambda value: type(value) is tuple, "a tuple", "type(VALUE) is not tuple")
_DICT = Type(_is_dict, "a dict", _NO_DICT)
_TAGS = Type(_tags, "a dict of str to str", f"({_NO_DICT}) or VALUE")
_SECONDS = _NUMBER.or_none()
_FLAG = Type(lambda value: type(value) is bool, "True, False", "VALUE is not True and VALUE is not False").or_none()

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

# The fields of each event but its job, and the error of a failure.
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


# What jobs of one program mostly have in common, down to the object: what was right of the one before is right again.
_SHARED = ("name", "source", "queue", "worker", "attempt")


def doubts_about_event(kind: type[Event], name: str) -> str:
    """An expression that is true of every event of that kind that has something wrong in a field of its own, or tags.

    Of others it is true where a closer look is needed. name: what the event is called there.
    """
    return _any(type_.doubts_about(f"{name}.{field}") for field, type_ in _EVENTS[kind].items())


def doubts_about_job(name: str, *, known: str) -> str:
    """Likewise for a job: whether something is wrong in one of its fields. What is in args, kwargs and extra is not looked at.

    known: the name of another job, of which nothing is in doubt.
    """
    return _any(_doubts_about_field(field, name, known) for field in _JOB)


def _doubts_about_field(field: str, name: str, known: str) -> str:
    doubts = _JOB[field].doubts_about(f"{name}.{field}")
    return f"{name}.{field} is not {known}.{field} and ({doubts})" if field in _SHARED else doubts


def _any(expressions: Iterable[str]) -> str:
    return " or ".join(f"({expression})" for expression in expressions)
