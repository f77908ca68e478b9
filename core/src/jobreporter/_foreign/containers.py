"""Looking into builtin containers, a little way, without asking a method that a subclass overrides."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from gc import get_referents
from itertools import islice
from types import MappingProxyType, MethodType, SimpleNamespace, WrapperDescriptorType
from typing import Any, Final

from jobreporter._foreign.arrays import is_array
from jobreporter._foreign.classes import attribute, is_any_of
from jobreporter._foreign.fields import fields, inside

_VIEWS: Final[tuple[Any, ...]] = (type({}.keys()), type({}.values()), type({}.items()))
#: How to iterate over each kind of builtin container: over a dict as pairs.
_ITERATE: Final[dict[Any, Callable[[Any], Iterable[Any]]]] = {
    dict: dict.items,
    **{kind: kind.__iter__ for kind in (list, tuple, set, frozenset, deque)},
    **{kind: kind.__iter__ for kind in _VIEWS},
}
_Parts = Callable[[Any], tuple[Any, ...]]


def _members(kind: type, *names: str) -> _Parts:
    getters = [kind.__dict__[name].__get__ for name in names]
    return lambda value: tuple(getter(value) for getter in getters)


#: What the builtin `repr` of objects that are no containers is made of, by kind.
_PARTS: Final[dict[Any, _Parts]] = {
    BaseException: BaseException.__dict__["args"].__get__,
    partial: _members(partial, "func", "args", "keywords"),
    MethodType: _members(MethodType, "__func__", "__self__"),
    SimpleNamespace: _members(SimpleNamespace, "__dict__"),
    MappingProxyType: lambda proxy: tuple(get_referents(proxy)),  # it has no other way to tell what it stands for
}
_SCALARS: Final = (str, int, float, bool, bytes, bytearray, type(None))
_ATTEMPTS = 3
# Items, characters or bits that are short work for `repr`.
_LIGHT = 10_000
# What an object counts as whose class alone decides how long its `repr` is: a list of many may be gigabytes.
_FOREIGN = 500


def container(kind: type) -> Any:
    """The builtin container that a class is or derives from, or ``None``."""
    if kind is dict or kind is list or kind is tuple:
        return kind
    for builtin in _ITERATE:
        if issubclass(kind, builtin):
            return builtin
    return None


def may_hold_more(kind: type, builtin: Any) -> bool:
    """Whether a class of dicts or lists is one of somebody's own, whose instances have attributes besides their items."""
    return kind is not builtin and (builtin is dict or builtin is list)


def parts_of(builtin: type) -> _Parts:
    """How to get at the parts of an object of this kind, whatever its class overrides."""
    return _PARTS[builtin]


def parts(value: object, kind: type) -> tuple[Any, ...] | None:
    """What the builtin `repr` of an object shows by the reprs of others, an exception's arguments for one.

    ``None`` for other objects, and where a class has a repr of its own.
    """
    for builtin, parts_of in _PARTS.items():
        if issubclass(kind, builtin):
            return parts_of(value) if type(attribute(kind, "__repr__")) is WrapperDescriptorType else None
    return None


def head(value: object, builtin: Any, limit: int) -> list[Any]:
    """The first ``limit`` items of a value of a builtin container; none if it keeps changing while it is read."""
    iterate = _ITERATE[builtin]
    for _ in range(_ATTEMPTS):
        try:
            return list(islice(iterate(value), limit))
        except RuntimeError as error:  # it changed its size
            if type(error) is not RuntimeError:
                raise
    return []


def field_names(kind: type) -> tuple[str, ...] | None:
    """The names that a named tuple gives to its items; ``None`` for every other class."""
    names = attribute(kind, "_fields") if issubclass(kind, tuple) else None
    return names if type(names) is tuple and all(type(each) is str for each in names) else None


def is_light(value: object) -> bool:
    """Whether the ``repr`` of a value is short work, as far as the builtin values in it and the number of others decide."""
    left, waiting = _LIGHT, [value]
    while waiting and left > 0:
        each: Any = waiting.pop()
        kind: Any = type(each)
        if is_any_of(kind, _SCALARS):
            left -= _length(each, kind)
        elif (builtin := container(kind)) is not None:
            left -= builtin.__len__(each)
            if left > 0:
                waiting += head(each, builtin, left)
        elif (within := parts(each, kind)) is not None:
            left -= _FOREIGN
            waiting.append(within)
        elif (named := fields(each, kind)) is not None:
            left -= _FOREIGN
            waiting += [held for _, held in named]
        elif (wrapped := inside(each, kind)) is not None:
            left -= _FOREIGN
            waiting.append(wrapped)
        else:
            left -= _LIGHT if is_array(kind) else _length(each, kind)
    return left > 0


def _length(value: Any, kind: type) -> int:
    """How much a value that is no container counts."""
    if issubclass(kind, int):
        return int.bit_length(value)
    for texts in (str, bytes, bytearray):
        if issubclass(kind, texts):
            return texts.__len__(value)
    if value is None or kind is float:
        return 0
    return max(_FOREIGN, items_in_c(value, kind) or 0)


def items_in_c(value: Any, kind: type) -> int | None:
    """How many items an object says to have, where no Python code says so: its ``repr`` may name each."""
    if type(attribute(kind, "__len__")) is not WrapperDescriptorType:
        return None
    try:
        return len(value)
    except Exception:  # a file in memory that is closed, say
        return None
