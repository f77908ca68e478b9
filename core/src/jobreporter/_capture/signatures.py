"""The names that a function gives to its positional arguments, found without running code of the user's."""

from __future__ import annotations

from functools import partial
from types import FunctionType, GetSetDescriptorType, MethodType
from typing import Any

from jobreporter._capture.classes import attribute

_HAS_VARARGS = 0x04  # as inspect.CO_VARARGS
_LONGEST_CHAIN = 20


def positional_names(function: Any) -> tuple[str, ...]:
    """What a callable calls its positional arguments. A ``*args`` that takes the rest comes last and keeps its star.

    It sees through bound methods, partials, classes, callable objects and what ``functools.wraps`` marks. Of anything
    else, such as a function written in C, nothing is known: the answer is empty. It never raises.
    """
    given = 0  # arguments from the left that are given already
    for _ in range(_LONGEST_CHAIN):
        kind: Any = type(function)
        if kind is FunctionType:
            wrapped = function.__dict__.get("__wrapped__")
            if wrapped is None:
                return _parameters(function, given)
            function = wrapped
        elif kind is partial:
            given += len(function.args)
            function = function.func
        elif kind is MethodType:
            given += 1
            function = function.__func__
        elif kind is staticmethod:
            function = function.__func__
        elif issubclass(kind, type):
            given += 1
            function = _constructor(function)
        elif (wrapped := _wrapped(function)) is not None:
            function = wrapped
        else:
            given += 1
            function = attribute(kind, "__call__")
    return ()


def _parameters(function: FunctionType, given: int) -> tuple[str, ...]:
    code = function.__code__
    names = code.co_varnames[given : code.co_argcount]
    if code.co_flags & _HAS_VARARGS:
        names += (f"*{code.co_varnames[code.co_argcount + code.co_kwonlyargcount]}",)
    return names


def _wrapped(function: Any) -> Any:
    """What an object says that it wraps, as a cached function does."""
    own = attribute(type(function), "__dict__")
    return dict.get(own.__get__(function), "__wrapped__") if type(own) is GetSetDescriptorType else None


def _constructor(kind: type) -> Any:
    """The function that takes a class's arguments: ``__init__``, or ``__new__`` where only that is defined."""
    init = attribute(kind, "__init__")
    return init if type(init) is FunctionType else attribute(kind, "__new__")
