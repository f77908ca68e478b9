"""Reading classes without running code of theirs: a metaclass or a lazy module may answer anything, or raise."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from jobreporter._capture.text import cut

_NAME_LENGTH = 300

# The getters that `type` and modules have themselves, out of reach of what a class overrides.
_mro: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
_members: Callable[[type], dict[str, Any]] = type.__dict__["__dict__"].__get__
_module: Callable[[type], object] = type.__dict__["__module__"].__get__
_qualname: Callable[[type], str] = type.__dict__["__qualname__"].__get__
_name: Callable[[type], str] = type.__dict__["__name__"].__get__
_globals: Callable[[ModuleType], dict[str, Any]] = vars(ModuleType)["__dict__"].__get__


def mro(kind: type) -> tuple[type, ...]:
    """The class and all its bases, in method resolution order."""
    return _mro(kind)


def definitions(kind: type, name: str) -> Iterator[Any]:
    """What a class and its bases define under a name, as it stands there, in method resolution order."""
    for each in _mro(kind):
        members = _members(each)
        if name in members:
            yield members[name]


def attribute(kind: type, name: str) -> Any:
    """The first of `definitions`, or ``None``."""
    for found in definitions(kind, name):
        return found
    return None


def full_name(kind: type) -> str:
    """``package.module.Class``, bounded. A class that doesn't say where it is from is of ``<unknown>``."""
    try:
        module = _module(kind)
    except AttributeError:
        module = None
    if not isinstance(module, str):
        module = "<unknown>"
    return f"{cut(module, _NAME_LENGTH)}.{cut(_qualname(kind), _NAME_LENGTH)}"


def short_name(kind: type) -> str:
    """``Class`` alone, bounded, as a `repr` has it."""
    return cut(_name(kind), _NAME_LENGTH)


def imported_class(name: str) -> Any:
    """The class of this full name if its module is imported already, or ``None``. Nothing is imported or computed."""
    module_name, found = name, None
    while found is None:
        module_name, dot, _ = module_name.rpartition(".")
        if not dot:
            return None
        found = sys.modules.get(module_name)
    if not issubclass(type(found), ModuleType):
        return None
    scope = _globals(found)
    kind: Any = None
    for part in name[len(module_name) + 1 :].split("."):
        kind = scope.get(part)
        if not issubclass(type(kind), type):
            return None
        scope = _members(kind)
    return kind
