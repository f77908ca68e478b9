"""The names that a function gives to its positional arguments, found without running code of the user's."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial
from itertools import pairwise
from types import FunctionType, GetSetDescriptorType, MethodType
from typing import Any, NamedTuple, Protocol

from jobreporter._foreign.classes import attribute

_HAS_VARARGS = 0x04  # as inspect.CO_VARARGS
_LONGEST_CHAIN = 20

#: Names by position. A ``*args`` that takes the rest comes last and keeps its star.
Names = tuple[str, ...]


class Wanted(Protocol):
    """Knows which names are looked for."""

    def __contains__(self, name: str, /) -> bool: ...


class Layer(NamedTuple):
    """A function of several, each of which is wrapped by the one before. required: so many names have no default."""

    names: Names
    required: int


class Wrapped(NamedTuple):
    """A function whose decorator takes ``*args``: which argument of what it wraps each becomes, only its code knows."""

    layers: tuple[Layer, ...]

    def aligned(self, count: int, keywords: Collection[str], wanted: Wanted) -> Names:
        """A name for each of so many arguments, given beside these keywords: a wanted one where any alignment has it."""
        names = [name_at(self.layers[0].names, index) for index in range(count)]
        own = 0  # names that the decorators keep for themselves, or pass on too
        for outer, layer in pairwise(self.layers):
            own += len(outer.names) - 1
            for shift in {-own, *_shifts(layer, count, keywords, wanted)}:
                for index in range(count):
                    name = name_at(layer.names, index + shift)
                    if name in wanted and names[index] not in wanted:
                        names[index] = name
        return tuple(names)


def positional_names(function: Any) -> Names | Wrapped:
    """What a callable calls its positional arguments.

    It sees through bound methods, partials, classes, callable objects and what ``functools.wraps`` marks. A decorator's
    own names count, and where it takes ``*args``, those of what it wraps too. Of anything else, such as a function
    written in C, nothing is known: the answer is empty. It never raises.
    """
    if function is None:
        return ()
    if type(function) is FunctionType and "__wrapped__" not in function.__dict__:
        return _parameters(function, 0)
    layers: list[Layer] = []
    given = 0  # arguments from the left that are given already
    for _ in range(_LONGEST_CHAIN):
        own, behind, more = _parts_of(function)
        given += more
        if own is None:
            function = behind
            continue
        names = _parameters(own, given)
        if behind is None or not (names and names[-1].startswith("*")):
            if not layers:
                return names
            layers.append(Layer(names, _required(own, given)))
            break
        layers.append(Layer(names, _required(own, given)))
        given -= more  # what it wraps is called by it, not through it
        function = behind
    return Wrapped(tuple(layers)) if layers else ()


def _parts_of(function: Any) -> tuple[FunctionType | None, Any, int]:
    """The function whose names count, if it is known; what is behind it; how many arguments it gets from the left."""
    kind: Any = type(function)
    if kind is FunctionType:
        return function, function.__dict__.get("__wrapped__"), 0
    if kind is partial:
        return None, function.func, len(function.args)
    if kind is MethodType:
        return None, function.__func__, 1
    if kind is staticmethod:
        return None, function.__func__, 0
    if issubclass(kind, type):
        return None, _constructor(function), 1
    call, wrapped = attribute(kind, "__call__"), _wrapped(function)
    if wrapped is None:
        return None, call, 1
    return (call, wrapped, 1) if type(call) is FunctionType else (None, wrapped, 0)


def _shifts(layer: Layer, count: int, keywords: Collection[str], wanted: Wanted) -> Iterator[int]:
    """How far to the right of its own place an argument may arrive, as far as the function takes that many.

    As it is given, or behind others that the decorator adds: those that the function can't do without, or any where a
    wanted one would be missing. Or the decorator takes the first ones for itself.
    """
    yield 0
    names = layer.names
    if names and names[-1].startswith("*"):
        return
    missing = [name for name in names[count : layer.required] if name not in keywords]
    if missing:
        yield len(missing)
    if count > len(names) or any(name in wanted for name in names[count:] if name not in keywords):
        yield len(names) - count


def name_at(names: Names, index: int) -> str:
    """The name of the argument at a position; empty if it has none."""
    if 0 <= index < len(names):
        return names[index]
    return names[-1] if names and index >= 0 and names[-1].startswith("*") else ""


def _parameters(function: FunctionType, given: int) -> Names:
    code = function.__code__
    names = code.co_varnames[given : code.co_argcount]
    if code.co_flags & _HAS_VARARGS:
        names += (f"*{code.co_varnames[code.co_argcount + code.co_kwonlyargcount]}",)
    return names


def _required(function: FunctionType, given: int) -> int:
    return max(0, function.__code__.co_argcount - len(function.__defaults__ or ()) - given)


def _wrapped(function: Any) -> Any:
    """What an object says that it wraps, as a cached function does."""
    own = attribute(type(function), "__dict__")
    return dict.get(own.__get__(function), "__wrapped__") if type(own) is GetSetDescriptorType else None


def _constructor(kind: type) -> Any:
    """The function that takes a class's arguments: ``__init__``, or ``__new__`` where only that is defined."""
    init = attribute(kind, "__init__")
    return init if type(init) is FunctionType else attribute(kind, "__new__")
