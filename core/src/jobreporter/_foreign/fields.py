"""What an object is made of, read from where Python keeps it: none of the object's own code runs, no library is imported.

Classes that declare fields are known by what their libraries leave on the class: dataclasses, attrs, msgspec and
pydantic. Their generated ``repr`` would name every field whole, however much that is.
"""

from __future__ import annotations

from collections import ChainMap, UserDict, UserList, UserString
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType, WrapperDescriptorType
from typing import Any

from jobreporter._foreign.classes import attribute, definitions, derives_from, mro

_MISSING: Any = object()
_BUILT_IN = object.__dict__["__repr__"]
# The modules whose functions are the generated `repr` of the classes that declare fields.
_GENERATORS = frozenset(["collections", "pydantic.main"])
_GENERATED_FILES = ("<attrs generated", "<string>")
_WRAPPERS: tuple[tuple[type, str], ...] = (
    (UserDict, "data"),
    (UserList, "data"),
    (UserString, "data"),
)


def fields(value: object, kind: type) -> list[tuple[str, Any]] | None:
    """The declared fields of an object that its generated ``repr`` shows, with their values.

    ``None`` if its class declares none, or has a ``repr`` of its own making. The maps of a `ChainMap` have no name.
    """
    if derives_from(kind, ChainMap) and _is_generated(kind):
        maps = dict.get(_own_dict(value, kind) or {}, "maps")
        return [("", each) for each in maps] if type(maps) is list else None
    names = _declared(kind)
    if names is None or not _is_generated(kind):
        return None
    own = _own_dict(value, kind) or {}
    found = []
    for name in names:
        held = dict.get(own, name, _MISSING)
        if held is _MISSING:
            held = _slot(value, kind, name)
        if held is not _MISSING:
            found.append((name, held))
    return found


def inside(value: object, kind: type) -> Any:
    """The builtin container that an object wraps, and shows as itself: that of a `UserDict` or any other mapping.

    ``None`` for everything else.
    """
    for wrapper, name in _WRAPPERS:
        if derives_from(kind, wrapper):
            return dict.get(_own_dict(value, kind) or {}, name)
    if derives_from(kind, Mapping):
        held = [each for _, each in islice(attributes(value, kind), 10)]
        dicts = [each for each in held if issubclass(type(each), dict)]
        if len(dicts) == 1:
            return dicts[0]
    return None


def attributes(value: object, kind: type) -> Iterator[tuple[str, Any]]:
    """Everything that an instance holds, by name: its own dict, then its slots."""
    own = _own_dict(value, kind)
    if own is not None:
        for name, held in _pairs(own):
            if type(name) is str:
                yield name, held
    for base in mro(kind):
        for name, member in list(type.__dict__["__dict__"].__get__(base).items()):
            if type(member) is MemberDescriptorType and (held := _got(member, value)) is not _MISSING:
                yield name, held


def _declared(kind: type) -> list[str] | None:
    """The names of the fields that a class shows, by whichever library it is made with."""
    if type(known := attribute(kind, "__dataclass_fields__")) is dict:
        return [name for name, field in known.items() if type(name) is str and _is_shown(field)]
    if type(known := _slot(kind, type(kind), "__struct_fields__")) is tuple:
        return [name for name in known if type(name) is str]
    if issubclass(type(known := attribute(kind, "__attrs_attrs__")), tuple):
        named = [(_slot(each, type(each), "name"), each) for each in tuple.__iter__(known)]
        return [name for name, each in named if type(name) is str and _is_shown(each)]
    for declared in ("__pydantic_fields__", "model_fields"):  # before and since pydantic 2.10
        if type(known := attribute(kind, declared)) is dict and attribute(kind, "__pydantic_fields_set__") is not None:
            return [name for name, field in known.items() if type(name) is str and _is_shown(field)]
    return None


def _is_shown(field: object) -> bool:
    """Whether a ``repr`` shows a field: its author may have said that it must not."""
    kind = type(field)
    shown = _slot(field, kind, "repr")
    if shown is _MISSING:
        shown = dict.get(_own_dict(field, kind) or {}, "repr", _MISSING)
    return shown is True or shown is _MISSING


def _is_generated(kind: type) -> bool:
    """Whether a library has made the ``repr`` of a class."""
    found = attribute(kind, "__repr__")
    if type(found) is WrapperDescriptorType:
        return found is not _BUILT_IN
    if type(found) is not FunctionType:
        return False
    made = _guarded(found)
    return dict.get(made.__globals__, "__name__") in _GENERATORS or made.__code__.co_filename.startswith(
        _GENERATED_FILES
    )


def _guarded(function: FunctionType) -> FunctionType:
    """The function itself, where what is there only keeps it from calling itself for ever."""
    wrapped = function.__dict__.get("__wrapped__")
    if type(wrapped) is FunctionType:
        return wrapped
    if dict.get(function.__globals__, "__name__") == "reprlib":
        held = [cell.cell_contents for cell in function.__closure__ or ()]
        return next((each for each in held if type(each) is FunctionType), function)
    return function


def _own_dict(value: object, kind: type) -> dict[Any, Any] | None:
    for found in definitions(kind, "__dict__"):
        if type(found) is GetSetDescriptorType:
            own = _got(found, value)
            return own if type(own) is dict else None
    return None


def _pairs(own: dict[Any, Any]) -> Iterable[tuple[Any, Any]]:
    try:
        return list(own.items())
    except RuntimeError:  # another thread has changed it meanwhile
        return []


def _slot(value: object, kind: type, name: str) -> Any:
    member = attribute(kind, name)
    return _got(member, value) if type(member) is MemberDescriptorType else _MISSING


def _got(member: Any, value: object) -> Any:
    try:
        return member.__get__(value)
    except AttributeError:  # a slot that nothing was put into
        return _MISSING
