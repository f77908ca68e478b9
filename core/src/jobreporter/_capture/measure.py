"""How much memory captured data takes, roughly: what a lane's capacity in bytes counts."""

from __future__ import annotations

from math import isfinite
from typing import Any

from msgspec.structs import astuple

from jobreporter._capture.plain import HIGHEST, LOWEST, NODE
from jobreporter.error_info import ErrorInfo, Frame

#: What `measure` answers for data that isn't plain.
NOT_PLAIN = -1

# Data within itself has no end, and neither has the patience of whoever encodes it.
_DEEPEST = 100
# No buffer has room for more, so it isn't counted any further.
_ENOUGH = 1 << 26


def measure(value: Any) -> int:
    """The bytes that plain data or an `ErrorInfo` takes, roughly; `NOT_PLAIN` for anything else.

    Data that is nested within itself isn't plain either.
    """
    if type(value) in {tuple, dict} and not value:
        return 0
    size, level = NODE, [value]
    for _ in range(_DEEPEST):
        deeper: list[Any] = []
        for each in level:
            if type(each) is str and each.isascii():
                size += len(each)
                continue
            inside = _inside(each)
            if inside is None:
                length = _scalar(each)
                if length < 0:
                    return NOT_PLAIN
                size += length
                continue
            size += NODE * len(inside)
            if size > _ENOUGH:
                return size
            deeper += inside
        if not deeper:
            return size
        level = deeper
    return NOT_PLAIN


def _inside(value: Any) -> Any:
    """What a container of plain data holds; ``None`` if it is no such container."""
    kind = type(value)
    if kind is list or kind is tuple:
        return value
    if kind is dict:
        keys = list(value)
        return keys + list(value.values()) if all(type(key) is str for key in keys) else None
    return astuple(value) if kind is ErrorInfo or kind is Frame else None


def _scalar(value: Any) -> int:
    """The bytes that a scalar takes beyond those of any; `NOT_PLAIN` if it isn't plain."""
    kind = type(value)
    if kind is str:
        try:
            return len(value.encode())
        except UnicodeEncodeError:
            return NOT_PLAIN
    is_plain = (
        value is None
        or kind is bool
        or (kind is int and LOWEST <= value <= HIGHEST)
        or (kind is float and isfinite(value))
    )
    return 0 if is_plain else NOT_PLAIN
