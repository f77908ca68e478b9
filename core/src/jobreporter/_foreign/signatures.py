"""The names that a function gives to its positional arguments, found without running code of the user's."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial, partialmethod
from itertools import pairwise
from types import FunctionType, GetSetDescriptorType, MappingProxyType, MemberDescriptorType, MethodType
from typing import Any, NamedTuple, Protocol

from jobreporter._foreign.classes import attribute, full_name

_HAS_VARARGS = 0x04  # as inspect.CO_VARARGS
# Of the kinds of parameters, as `inspect` numbers them: those that a position fills, and the one that takes the rest.
_BY_POSITION = (0, 1)
_THE_REST = 2
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

    It sees through bound methods, partials, classes, callable objects and what ``functools.wraps`` marks, and takes the
    signature that a decorator puts on what it returns. A decorator's own names count, and where it takes ``*args``, those
    that it declares, or of what it wraps too. Of anything else, such as a function written in C, nothing is known: the
    answer is empty. It never raises.
    """
    if function is None:
        return ()
    if type(function) is FunctionType and not function.__dict__:  # as most are
        return _parameters(function, 0)
    layers: list[Layer] = []
    given = 0  # arguments from the left that are given already
    declared: Names | None = None
    for _ in range(_LONGEST_CHAIN):
        declared = _declared(function, given) or declared
        own, behind, more = _parts_of(function)
        given += more
        if own is None:
            function = behind
            continue
        names = _parameters(own, given)
        takes_the_rest = bool(names) and names[-1].startswith("*")
        if not layers and not (takes_the_rest and (declared or behind is not None)):
            return names
        layers.append(Layer(names, _required(own, given)))
        if declared:
            layers.append(Layer(declared, len(declared)))
        if declared or behind is None or not takes_the_rest:
            break
        given -= more  # what it wraps is called by it, not through it
        function = behind
    return Wrapped(tuple(layers)) if layers else ()


def _parts_of(function: Any) -> tuple[FunctionType | None, Any, int]:
    """The function whose names count, if it is known; what is behind it; how many arguments it gets from the left."""
    kind: Any = type(function)
    if kind is FunctionType:
        for name in ("_partialmethod", "__partialmethod__"):  # before and since Python 3.13
            if type(part := function.__dict__.get(name)) is partialmethod:
                return None, part.func, len(part.args)
        return function, function.__dict__.get("__wrapped__"), 0
    if kind is partial:
        return None, function.func, len(function.args)
    if kind is MethodType:
        return None, function.__func__, 1
    if kind is staticmethod:
        return None, function.__func__, 0
    if kind is classmethod:
        return None, function.__func__, 1
    if issubclass(kind, type):
        made = attribute(kind, "__call__")
        return None, made if type(made) is FunctionType else _constructor(function), 1
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
    return _held(function, "__wrapped__")


def _declared(function: Any, given: int) -> Names | None:
    """The names of the signature that a function or object bears for others to see; ``None`` if it bears none."""
    signature = (
        function.__dict__.get("__signature__") if type(function) is FunctionType else _held(function, "__signature__")
    )
    if signature is None or full_name(type(signature)) != "inspect.Signature":
        return None
    parameters = _slot(signature, "_parameters")
    if type(parameters) is not MappingProxyType:
        return None
    names: list[str] = []
    for parameter in parameters.values():
        name, kind = _slot(parameter, "_name"), _slot(parameter, "_kind")
        if type(name) is not str or not issubclass(type(kind), int):
            return None
        if int.__index__(kind) in _BY_POSITION:
            names.append(name)
        elif int.__index__(kind) == _THE_REST:
            names.append(f"*{name}")
    return (
        tuple(names[given:]) if len(names) > given else tuple(names[-1:]) if names and names[-1].startswith("*") else ()
    )


def _held(value: Any, name: str) -> Any:
    """What an object that is no function holds under a name: in a slot, in one of a type in C, or in its dict."""
    kind = type(value)
    if kind is partial or kind is MethodType or issubclass(kind, type):
        return None
    if (slot := attribute(kind, name)) is not None:
        return _slot(value, name) if type(slot) in (MemberDescriptorType, GetSetDescriptorType) else None
    own = attribute(kind, "__dict__")
    return dict.get(own.__get__(value), name) if type(own) is GetSetDescriptorType else None


def _slot(value: Any, name: str) -> Any:
    """What a slot holds, of which no code of the program's knows; ``None`` if there is nothing in it."""
    member: Any = attribute(type(value), name)
    if type(member) is not MemberDescriptorType and type(member) is not GetSetDescriptorType:
        return None
    try:
        return member.__get__(value)
    except (AttributeError, ValueError):  # nothing was put into it; of wrapt, one that isn't initialized
        return None


def _constructor(kind: type) -> Any:
    """The function that takes a class's arguments: ``__init__``, or ``__new__`` where only that is defined."""
    init = attribute(kind, "__init__")
    return init if type(init) is FunctionType else attribute(kind, "__new__")
