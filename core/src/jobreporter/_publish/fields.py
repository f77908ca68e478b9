"""What the fields of a job and of its outcome may be: what is taken, what is turned into it, and what is refused.

| fields | said to | taken | turned | refused |
| --- | --- | --- | --- | --- |
| `name`, `source` | `begin`, `resume`, `abort` | text | long text is cut | all else |
| `queue`, `worker`, `correlation_id` | the same | text, `None` | long text is cut | all else |
| `id`, `execution_id`, `root_id`, `parent_id` | the same | text, `None` | whole numbers and UUIDs become text | all else |
| `attempt`, `max_attempts` | the same | whole numbers from 1, `None` | | all else, `bool` too |
| `priority` | the same | whole numbers of 64 bits, `None` | | all else, `bool` too |
| `enqueued_at`, `scheduled_at` | the same | finite numbers, `None` | a datetime with a time zone becomes Unix seconds | all else |
| `args`, `kwargs` | the same | anything | becomes plain data | |
| `extra` | the same | a dict | becomes plain data | all else |
| `tags` | `Execution.tag` | anything | becomes text; 50 names at most, names of 200 characters and values of 500 | |
| `reason` | `Execution.abort`, `abort` | anything | becomes text of 500 characters at most | |
| `error` | `Execution.fail` | an exception, an `ErrorInfo` | | all else |
| `will_retry` | `Execution.fail`, `Execution.abort`, `abort` | `bool`, `None` | | all else |
| `retry_delay` | `Execution.fail` | finite numbers from 0, `None` | a timedelta becomes seconds | all else |
| `exit_status` | `Execution.fail` | whole numbers, `None` | | all else, `bool` too |
| `kind` | `Execution.fail` | the four kinds of failure | | all else |

``None`` where a field has a default is as if it were not given. What is refused depends on who says it: a program's own
mistake is raised where it is made, while a source's data from outside, such as a header that somebody else wrote, is left
out, field by field. Foreign classes are never asked for anything.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from math import isfinite
from typing import Any, get_args

import msgspec

from jobreporter._capture.bounds import HIGHEST, LOWEST, Bounds
from jobreporter._capture.plain import plain
from jobreporter._foreign.interruption import is_interruption
from jobreporter._nearest import did_you_mean
from jobreporter.error_info import ErrorInfo
from jobreporter.events import FailureKind

#: What is kept of a name.
OWN = Bounds(text=1_000, items=50, depth=2, total=4_000)

TEXTS = frozenset(["id", "execution_id", "name", "source", "queue", "worker", "correlation_id", "root_id", "parent_id"])
COUNTS = frozenset(["attempt", "max_attempts"])
MOMENTS = frozenset(["enqueued_at", "scheduled_at"])
#: The fields that may hold anything.
CAPTURED = frozenset(["args", "kwargs", "extra"])
#: The fields of an outcome that are said when it is noted.
OUTCOME = frozenset(["will_retry", "retry_delay", "kind", "exit_status"])
#: Fields that may be ``None``.
OPTIONAL = frozenset(
    [
        "queue",
        "max_attempts",
        "enqueued_at",
        "scheduled_at",
        "priority",
        "worker",
        "correlation_id",
        "root_id",
        "parent_id",
    ]
)
_FAILURE_KINDS: tuple[str, ...] = get_args(FailureKind)


class UnfitError(Exception):
    """A value is none for its field. It says which field, what was found, and what was expected.

    wrong_type: whether no value of that type would do.
    """

    def __init__(self, sentence: str, *, wrong_type: bool = True) -> None:
        self.wrong_type = wrong_type
        super().__init__(sentence)

    def for_program(self, prefix: str = "") -> TypeError | ValueError:
        """What a program whose mistake this is gets raised."""
        sentence = f"{prefix}{self}"
        return TypeError(sentence) if self.wrong_type else ValueError(sentence)


def fitting(field: str, value: Any) -> Any:
    """The value as its field takes it. Raises `UnfitError`."""
    return _FITTING[field](field, value)


def argument_names(value: Any) -> tuple[str, ...]:
    """The names of a job's positional arguments. Raises `UnfitError`."""
    kind = type(value)
    if (kind is tuple or kind is list) and all(issubclass(type(each), str) for each in value):
        return tuple(map(str.__str__, value))
    raise _refusal("argument_names", value, "a tuple or a list of texts")


def _refusal(field: str, value: object, expected: str) -> UnfitError:
    kind = type(value)
    found = ""
    # No `in`, which would ask the class whether it is equal.
    if kind is float or kind is bool or (kind is int and LOWEST <= value <= HIGHEST):  # type: ignore[operator]  # an int, as the test before says
        found = repr(value)
    if kind is str:
        found = repr(plain(value, Bounds(text=50, items=1, depth=1, total=200)))
    of_right_type = {"a whole number": (int,), "seconds": (int, float)}
    right_type = any(
        expected.startswith(start) and any(kind is each for each in kinds) for start, kinds in of_right_type.items()
    )
    wrong_type = not (right_type or (kind is str and field == "kind"))
    name = kind.__qualname__ if type.__dict__["__module__"].__get__(kind) == "builtins" else _full_name(kind)
    return UnfitError(
        f"{field}: expected {expected}, found {f'{found} ({name})' if found else f'a value of type {name}'}",
        wrong_type=wrong_type,
    )


def _full_name(kind: type) -> str:
    from jobreporter._foreign.classes import full_name  # only where something is wrong

    return full_name(kind)


def _text(field: str, value: Any) -> Any:
    if issubclass(type(value), str):
        return plain(value, OWN)
    raise _refusal(field, value, "a str or None" if field in OPTIONAL else "a str")


def _identity(field: str, value: Any) -> Any:
    kind = type(value)
    if kind is int and LOWEST <= value <= HIGHEST:
        return str(value)
    if kind is getattr(sys.modules.get("uuid"), "UUID", None):
        return str(value)
    return _text(field, value)


def _count(field: str, value: Any) -> Any:
    number = _whole(value)
    if number is None or number < 1:
        raise _refusal(field, value, "a whole number, 1 at least")
    return number


def _number(field: str, value: Any) -> Any:
    number = _whole(value)
    if number is None:
        raise _refusal(field, value, "a whole number or None")
    return number


def _whole(value: Any) -> int | None:
    kind = type(value)
    if not issubclass(kind, int) or kind is bool:
        return None
    number = int.__index__(value)
    return number if LOWEST <= number <= HIGHEST else None


def _moment(field: str, value: Any) -> Any:
    if issubclass(type(value), datetime):
        return _timestamp(field, value)
    number = _finite(value)
    if number is None:
        raise _refusal(field, value, "seconds since 1970 or a datetime with a time zone")
    return number


def _timestamp(field: str, value: datetime) -> float:
    try:
        aware = datetime.utcoffset(value) is not None
        timestamp = datetime.timestamp(value)
    except BaseException as error:  # a time zone of somebody's own making
        if is_interruption(error):
            raise
        aware, timestamp = False, 0.0
    if not aware:
        raise UnfitError(f"{field}: expected a datetime with a time zone, found one without", wrong_type=False)
    return timestamp


def _delay(field: str, value: Any) -> Any:
    number = timedelta.total_seconds(value) if issubclass(type(value), timedelta) else _finite(value)
    if number is None or number < 0:
        raise _refusal(field, value, "seconds, 0 at least, or a timedelta")
    return number


def _finite(value: Any) -> float | None:
    kind = type(value)
    if kind is bool:
        return None
    if issubclass(kind, float):
        number = float.__float__(value)
    elif issubclass(kind, int) and LOWEST <= int.__index__(value) <= HIGHEST:
        number = float(int.__index__(value))
    else:
        return None
    return number if isfinite(number) else None


def _will_retry(field: str, value: Any) -> Any:
    if type(value) is bool:
        return value
    raise _refusal(field, value, "True, False or None")


def _kind(field: str, value: Any) -> Any:
    if type(value) is str and value in _FAILURE_KINDS:
        return value
    expected = f"one of {', '.join(map(repr, _FAILURE_KINDS))}"
    refusal = _refusal(field, value, expected)
    if type(value) is str and (hint := did_you_mean(value, _FAILURE_KINDS)):
        raise UnfitError(f"{refusal}{hint}", wrong_type=False)
    raise refusal


def sound(error: object) -> ErrorInfo:
    """The error, if it is an `ErrorInfo` whose fields have the types that they should. Raises TypeError otherwise."""
    if type(error) is not ErrorInfo:
        name = _full_name(type(error))
        raise TypeError(f"error: expected an exception or an ErrorInfo, found a value of type {name}")
    try:
        return msgspec.convert(msgspec.to_builtins(error), ErrorInfo)
    except (TypeError, ValueError, RecursionError) as wrong:
        raise TypeError(f"error: an ErrorInfo that is none: {wrong}") from None


def _captured(field: str, value: Any) -> Any:
    if field == "extra" and type(value) is not dict:
        raise _refusal(field, value, "a dict")
    return value


_FITTING: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(TEXTS, _text),
    **dict.fromkeys(["id", "root_id", "parent_id", "execution_id"], _identity),
    **dict.fromkeys(COUNTS, _count),
    "priority": _number,
    **dict.fromkeys(MOMENTS, _moment),
    **dict.fromkeys(CAPTURED, _captured),
    "retry_delay": _delay,
    "will_retry": _will_retry,
    "exit_status": _number,
    "kind": _kind,
}
