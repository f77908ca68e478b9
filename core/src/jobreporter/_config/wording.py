"""Declared types and found values in words that a reader of a config understands."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import inspect

from jobreporter.options import Secret, measure_of
from jobreporter.text import one_line

# How much of a name or value a message quotes, and how much of what somebody else's code says.
QUOTED = 80
SAID = 300

_LISTS = (
    inspect.ListType,
    inspect.SetType,
    inspect.FrozenSetType,
    inspect.VarTupleType,
    inspect.TupleType,
    inspect.NamedTupleType,
)
_TABLES = (inspect.DictType, inspect.StructType, inspect.TypedDictType, inspect.DataclassType)

_EXPECTED: dict[type[inspect.Type], str] = {
    inspect.BoolType: "true or false",
    inspect.BytesType: "base64 text",
    inspect.DateTimeType: "a date and time",
    inspect.DateType: "a date",
    inspect.TimeType: "a time",
    inspect.TimeDeltaType: "a duration",
    inspect.UUIDType: "a UUID",
    inspect.DecimalType: "a decimal number",
    inspect.AnyType: "any value",
}

# A datetime is a date too, and a bool an int: the first that fits is the word.
_FOUND: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (type(None), "nothing"),
    (bool, "a boolean"),
    (int, "a whole number"),
    (float, "a number"),
    (str, "text"),
    (Secret, "a secret"),
    ((list, tuple, set, frozenset), "a list"),
    (Mapping, "a table"),
    (datetime.datetime, "a date and time"),
    (datetime.date, "a date"),
    (datetime.time, "a time"),
)

# How a value is called that is of the right kind and yet not right. Metadata stands for a `Duration` or a `Size`.
_ANOTHER: tuple[tuple[str, tuple[type[inspect.Type], ...], str], ...] = (
    ("text", (inspect.StrType, inspect.LiteralType, inspect.EnumType, inspect.Metadata), "other text"),
    ("a whole number", (inspect.FloatType, inspect.Metadata), "another number"),
    ("a whole number", (inspect.IntType, inspect.LiteralType, inspect.EnumType), "another whole number"),
    ("a number", (inspect.FloatType, inspect.Metadata), "another number"),
    ("a list", _LISTS, "another list"),
    ("a table", _TABLES, "another table"),
)

# Python refuses to write out an integer of thousands of digits.
_LONG = 10**18


def quoted(name: object) -> str:
    """A name in quotes: one line, whatever it holds, and not too long."""
    text = str(name)
    return repr(text if len(text) <= QUOTED else text[: QUOTED - 3] + "...")


def text_of(error: BaseException) -> str:
    """``str(error)``, or nothing if that raises."""
    try:
        return str(error)
    except Exception:
        return ""


def described(error: BaseException) -> str:
    """An error on one line: ``ImportError: No module named 'x'``."""
    kind, text = type(error).__name__, one_line(text_of(error), SAID)
    return f"{kind}: {text}" if text else kind


def one_of(values: Iterable[object]) -> str:
    """``'a', 'b' or 'c'``."""
    *others, last = map(repr, values)
    return f"{', '.join(others)} or {last}" if others else last


def members(info: inspect.Type) -> tuple[inspect.Type, ...]:
    """The types that a union offers, without ``None``, which TOML can't say; of any other type, itself.

    `Metadata` is left around a `Duration` or a `Size` alone, which it tells from other numbers.
    """
    if isinstance(info, inspect.Metadata) and not measure_of(info):
        return members(info.type)
    if isinstance(info, inspect.UnionType):
        return tuple(member for option in info.types for member in members(option))
    return () if isinstance(info, inspect.NoneType) else (info,)


def choices(info: inspect.Type) -> tuple[object, ...]:
    """The values that a literal or an enum allows; empty for any other type."""
    found: list[object] = []
    for member in members(info):
        if isinstance(member, inspect.LiteralType):
            found.extend(member.values)
        elif isinstance(member, inspect.EnumType):
            found.extend(item.value for item in member.cls)
    return tuple(found)


def expected(info: inspect.Type) -> str:
    """What a declared type takes, such as ``a whole number of at least 1``."""
    return " or ".join(map(_expected, members(info))) or "nothing"


def expected_in_full(info: inspect.Type) -> str:
    """The same for an error, which also says how a duration or a size is written."""
    measure = next(filter(None, map(measure_of, members(info))), None)
    return expected(info) + (f", {measure.expected()}" if measure else "")


def _expected(info: inspect.Type) -> str:
    if values := choices(info):
        return one_of(values)
    if isinstance(info, inspect.Metadata):
        return _expected_measure(info)
    if isinstance(info, inspect.IntType):
        return "a whole number" + range_of(info)
    if isinstance(info, inspect.FloatType):
        return "a number" + range_of(info)
    if isinstance(info, inspect.StrType):
        pattern = f" that matches {info.pattern}" if info.pattern else ""
        return "text" + _length(info, "character") + pattern
    if isinstance(info, inspect.CustomType):
        return "a secret" if info.cls is Secret else f"a {info.cls.__name__}"
    if isinstance(info, _LISTS):
        return "a list" + _length(info, "item")
    if isinstance(info, _TABLES):
        return "a table" + _length(info, "key")
    return _EXPECTED.get(type(info), "another type of value")


def _expected_measure(info: inspect.Metadata) -> str:
    measure = measure_of(info)
    number = info.type
    if measure is None or not isinstance(number, inspect.IntType | inspect.FloatType):
        return expected(number)
    return f"a {measure.noun}{range_of(number, measure.show)}"


def range_of(info: inspect.IntType | inspect.FloatType, show: Callable[[float], str] = "{:.15g}".format) -> str:
    """The bounds of a number in words, such as `` from 1 to 10``; empty where it has none. show: writes a number."""
    if info.ge is not None and info.le is not None:
        return f" from {show(info.ge)} to {show(info.le)}"
    limits = (("above", info.gt), ("of at least", info.ge), ("below", info.lt), ("up to", info.le))
    text = " and ".join(f"{words} {show(limit)}" for words, limit in limits if limit is not None)
    return f" {text}" if text else ""


def _length(info: inspect.Type, unit: str) -> str:
    limits = (("at least", getattr(info, "min_length", None)), ("at most", getattr(info, "max_length", None)))
    text = " and ".join(f"{words} {limit}" for words, limit in limits if limit is not None)
    return f" of {text} {unit}{'' if text.endswith(' 1') else 's'}" if text else ""


def found(value: object, info: inspect.Type) -> str:
    """The kind of a value, and never the value; ``other text`` where text was expected but not this one."""
    kind = next((words for types, words in _FOUND if isinstance(value, types)), f"a {type(value).__name__}")
    for plain, declared, words in _ANOTHER:
        if kind == plain and any(isinstance(member, declared) for member in members(info)):
            return words
    return kind


def shown(value: Any, info: inspect.Type) -> str:
    """The value itself where it is short, for keys that hold no secret; otherwise its kind."""
    if any(isinstance(member, inspect.CustomType) and member.cls is Secret for member in members(info)):
        return found(value, info)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < _LONG):
        return repr(value)
    return found(value, info)
