"""How much memory captured data takes, roughly: what a lane's capacity in bytes counts."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from msgspec.structs import astuple

from jobreporter._capture.bounds import HIGHEST, LOWEST, NODE
from jobreporter._dispatch.read_only import ReadOnlyDict, ReadOnlyList
from jobreporter.error_info import ErrorInfo, Frame

#: What `measure` answers for data that isn't plain.
NOT_PLAIN = -1

# Data within itself has no end, and neither has the patience of whoever encodes it. Errors are the deepest that is
# captured: 50 members within each other, two levels each, with 15 causes in between and local variables below.
_DEEPEST = 200
# No buffer has room for more, so it isn't counted any further.
_ENOUGH = 1 << 26


def measure(*values: Any) -> int:  # noqa: C901 - a branch for each kind of data, and no call for any
    """The bytes that plain data or an `ErrorInfo` takes, roughly; `NOT_PLAIN` if one of the values is anything else.

    Data that is nested within itself isn't plain either. The pump waits for this, so what most data consists of is
    looked at in the loop itself.
    """
    size = depth = 0
    level: Sequence[Any] = values
    while depth < _DEEPEST:
        deeper: list[Any] = []
        for each in level:
            kind = type(each)
            if kind is str:
                length = len(each) if each.isascii() else _encoded(each)
                if length == NOT_PLAIN:
                    return NOT_PLAIN
                size += length
            elif kind is int:
                if not LOWEST <= each <= HIGHEST:
                    return NOT_PLAIN
            elif kind is float:
                if not isfinite(each):
                    return NOT_PLAIN
            elif each is not None and kind is not bool:
                inside = _inside(each, kind)
                if inside is None:
                    return NOT_PLAIN
                size += NODE * len(inside)
                if size > _ENOUGH:
                    return size
                deeper += inside
        if not deeper:
            return size
        level = deeper
        depth += 1
    return NOT_PLAIN


def _inside(value: Any, kind: type) -> Sequence[Any] | None:
    """What a container of plain data holds; ``None`` if it is no such container."""
    if kind is tuple or kind is list or kind is ReadOnlyList:
        return value  # type: ignore[no-any-return]  # the line above says what it is
    if kind is dict or kind is ReadOnlyDict:
        keys = list(value)
        return keys + list(value.values()) if all(type(key) is str for key in keys) else None
    return astuple(value) if kind is ErrorInfo or kind is Frame else None


def _encoded(text: str) -> int:
    """The bytes of a text; `NOT_PLAIN` for one that can't be written."""
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return NOT_PLAIN
