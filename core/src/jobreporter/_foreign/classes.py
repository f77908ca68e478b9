"""Reading classes without running code of theirs: a metaclass or a lazy module may answer anything, or raise.

No generator is left before its end here: what is raised into the thread from outside, such as a time limit, would be lost
if it met one while it is closed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from jobreporter._foreign.bounded_text import cut

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


def is_any_of(kind: type, kinds: tuple[type, ...]) -> bool:
    """Whether a class is one of these. A metaclass may have its own idea of what is equal, so none is asked."""
    for each in kinds:  # noqa: SIM110 - no generator that ends early
        if kind is each:
            return True
    return False


def derives_from(kind: type, base: type) -> bool:
    """Whether a class has another among its bases. `issubclass` asks an abstract one, which asks the class's metaclass."""
    return is_any_of(base, _mro(kind))


def definitions(kind: type, name: str) -> list[Any]:
    """What a class and its bases define under a name, as it stands there, in method resolution order."""
    return [members[name] for each in _mro(kind) if name in (members := _members(each))]


def attribute(kind: type, name: str) -> Any:
    """The first of `definitions`, or ``None``."""
    for each in _mro(kind):
        members = _members(each)
        if name in members:
            return members[name]
    return None


def module_name(kind: type) -> str:
    """The name of the module that a class says it is from, whatever its length; ``<unknown>`` where it says nothing."""
    try:
        module = _module(kind)
    except AttributeError:
        module = None
    return module if isinstance(module, str) else "<unknown>"


def full_name(kind: type) -> str:
    """``package.module.Class``, bounded. A class that doesn't say where it is from is of ``<unknown>``."""
    return f"{cut(module_name(kind), _NAME_LENGTH)}.{cut(_qualname(kind), _NAME_LENGTH)}"


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
