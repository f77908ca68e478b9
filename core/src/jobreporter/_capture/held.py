"""The texts that a secret value holds: what an error's message might show of it.

Numbers count as they are written. Objects are looked into where Python keeps what they hold, so that neither a
``SecretStr`` nor a dataclass, an enum's member or a path is asked to show itself.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from io import BytesIO, StringIO
from itertools import islice
from math import isfinite
from pathlib import PosixPath, PurePath, PurePosixPath, PureWindowsPath, WindowsPath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Final
from uuid import UUID

from jobreporter._foreign.arrays import is_single
from jobreporter._foreign.bounded_text import valid
from jobreporter._foreign.classes import full_name, is_any_of
from jobreporter._foreign.containers import container, head, may_hold_more, parts
from jobreporter._foreign.fields import attributes

#: No text that is kept is longer, so of a longer secret no more than this can be seen.
LONGEST = 10_000
# How many items are looked at in one container and in all, and how deep they may be.
_ITEMS = 1_000
_MOST = 5_000
_DEPTH = 20
# Of an object that is no container, so many attributes are looked at, and objects within objects no deeper than this.
_ATTRIBUTES = 50
_OBJECTS = 3
# Longer integers aren't turned into decimal digits, which takes quadratic time.
_BITS = 1_024
# What these refer to is no value of theirs.
_FUNCTIONS: Final = (FunctionType, BuiltinFunctionType, MethodType, ModuleType)
# The kinds of numpy's arrays that hold texts, bytes, or objects.
_OF_TEXTS: Final = "USOT"
# What stands beside a secret in the same value, and is none: "user" of a connection's credentials.
_BESIDE = frozenset(
    """
    user username user_name login host hostname server port database db dbname region scheme type kind name realm domain
    email algorithm alg service zone endpoint url uri created expires expiry role driver protocol
    """.split()
)


def texts(value: object) -> Iterator[str]:
    """The texts and numbers in a value, each at most `LONGEST` long, within bounds."""
    level: list[tuple[Any, int]] = [(value, 0)]
    left = _MOST
    for _ in range(_DEPTH):
        deeper: list[tuple[Any, int]] = []
        for each, objects in level:
            left -= 1
            if left < 0:
                return
            written = _written(each, type(each))
            if written is None:
                if len(deeper) <= left:  # more would never be looked at
                    deeper += _within(each, type(each), objects)
            else:
                yield from written
        level = deeper


def _written(value: Any, kind: Any) -> tuple[str, ...] | None:
    """A scalar as texts; ``None`` for what holds others."""
    if value is None or kind is bool:
        return ()
    for scalar, write in _SCALARS.items():
        if issubclass(kind, scalar):
            return write(value)
    if is_any_of(kind, _PATHS):
        return (valid(PurePath.__str__(value)[:LONGEST]),)
    return (UUID.__str__(value), f"{value.int:032x}") if kind is UUID else None


def _integer(value: Any) -> tuple[str, ...]:
    return (int.__repr__(value),) if int.bit_length(value) <= _BITS else ()


def _float(value: Any) -> tuple[str, ...]:
    number = float.__float__(value)
    if not isfinite(number):
        return ()
    return (repr(number), repr(int(number))) if number.is_integer() and abs(number) < 2**63 else (repr(number),)


def _decimal(value: Any) -> tuple[str, ...]:
    return (Decimal.__str__(value)[:LONGEST],)


def _date(value: Any) -> tuple[str, ...]:
    text = date.isoformat(value)
    year, month, day = map(int, text.split("-"))
    return (text, f"({year}, {month}, {day}")  # as `repr` has it


def _datetime(value: Any) -> tuple[str, ...]:
    day = datetime.date(value)
    moment = datetime.combine(day, datetime.time(value))  # without its time zone, which may be anybody's code
    return (moment.isoformat(), moment.isoformat(" "), *_date(day))


def _bytes(value: Any) -> tuple[str, ...]:
    return (bytes(value[:LONGEST]).decode(errors="backslashreplace"),)


def _memory(value: Any) -> tuple[str, ...]:
    try:
        return _bytes(value.tobytes()) if value.nbytes <= LONGEST else _bytes(value.cast("B"))
    except (TypeError, ValueError):  # released, or of a shape that has no bytes in a row
        return ()


def _array(value: Any) -> tuple[str, ...]:
    part = array.__getitem__(value, slice(LONGEST))
    try:
        return (valid(array.tounicode(part)),) if part.typecode in "uw" else _bytes(array.tobytes(part))
    except ValueError:  # numbers that are no characters
        return ()


def _content(kind: Any, value: Any) -> Any:
    try:
        return kind.getvalue(value)[:LONGEST]
    except ValueError:  # closed
        return kind().getvalue()


_SCALARS: Final[dict[Any, Callable[[Any], tuple[str, ...]]]] = {
    str: lambda text: (valid(str.__getitem__(text, slice(LONGEST))),),
    int: _integer,
    bytes: lambda value: _bytes(bytes.__getitem__(value, slice(LONGEST))),
    bytearray: lambda value: _bytes(bytearray.__getitem__(value, slice(LONGEST))),
    memoryview: _memory,
    array: _array,
    float: _float,
    Decimal: _decimal,
    datetime: _datetime,
    date: _date,
    StringIO: lambda value: (valid(_content(StringIO, value)),),
    BytesIO: lambda value: _bytes(_content(BytesIO, value)),
}
#: Written in Python, where a derived class may change anything: so these themselves.
_PATHS: Final = (PurePosixPath, PureWindowsPath, PosixPath, WindowsPath)


def _within(value: Any, kind: Any, objects: int) -> list[tuple[Any, int]]:
    """What a value holds that is no scalar, without what is known to stand beside a secret."""
    if issubclass(kind, Enum):
        return [(each, objects) for name, each in attributes(value, kind) if name == "_value_"]
    if (builtin := container(kind)) is not None:
        items = head(value, builtin, _ITEMS)
        if builtin is dict:
            items = [each for key, each in items if not (type(key) is str and key.lower() in _BESIDE)]
        within = [(each, objects) for each in items]
        return within + _attributes(value, kind, objects) if may_hold_more(kind, builtin) else within
    if is_single(kind):
        return [(value.item(), _OBJECTS)]
    if (inner := parts(value, kind)) is not None:
        return [(each, objects) for each in inner]
    if full_name(kind) == "numpy.ndarray":
        return [(each, objects) for each in _elements(value)]
    return _attributes(value, kind, objects)


def _attributes(value: Any, kind: Any, objects: int) -> list[tuple[Any, int]]:
    """What an object holds, a dict of a class of its own too: each cookie of the standard library's is one."""
    if objects >= _OBJECTS or issubclass(kind, (type, *_FUNCTIONS)):
        return []
    held = islice(attributes(value, kind), _ATTRIBUTES)
    return [(each, objects + 1) for name, each in held if name.strip("_").lower() not in _BESIDE]


def _elements(array_of_texts: Any) -> list[Any]:
    """The first texts of an array of numpy's own; none of one that holds numbers, which has no names for them either."""
    if array_of_texts.dtype.kind not in _OF_TEXTS:
        return []
    return [array_of_texts.item(index) for index in range(min(array_of_texts.size, _ITEMS))]
