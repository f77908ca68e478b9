"""Functions whose every call is an execution."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine
from types import CoroutineType
from typing import Any, TypeVar, cast

from jobreporter._foreign.classes import short_name
from jobreporter._publish.execution import Execution

Function = TypeVar("Function", bound=Callable[..., Any])

#: Begins the execution of a call with these arguments.
Begin = Callable[[tuple[Any, ...], dict[str, Any]], Execution]


def wrap(function: Function, begin: Begin) -> Function:
    """The function, sync or async, with each call of it inside an execution. A call that raises `Abort` returns ``None``."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            with begin(args, kwargs):
                return await function(*args, **kwargs)

        return cast(Function, call_async)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with begin(args, kwargs) as execution:
            result = function(*args, **kwargs)
            if type(result) is CoroutineType:  # async after all, below a decorator that doesn't say so
                result = _awaited(execution, result)
                execution._suspend()
            return result

    return cast(Function, call)


async def _awaited(execution: Execution, result: Coroutine[Any, Any, Any]) -> Any:
    with execution:
        return await result


def name_of(function: Callable[..., Any]) -> str:
    """What the jobs of a function are called: by its module and qualified name.

    Raises TypeError for what isn't run by a call.
    """
    called = function
    while isinstance(called, functools.partial):
        called = called.func
    if (found := _not_run_by_a_call(called)) is not None:
        raise TypeError(f"reported() takes a function that does its work when it is called, found {found}")
    named: Any = called if hasattr(called, "__qualname__") else type(called)
    return f"{named.__module__}.{named.__qualname__}"


def _not_run_by_a_call(function: Any) -> str | None:
    """What it is, and what to do instead; ``None`` for a function that a call runs."""
    if isinstance(function, (classmethod, staticmethod)):
        kind = type(function).__name__
        return f"a {kind}: put @{kind} above it"
    if not callable(function):
        return f"a value of type {short_name(type(function))}"
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return (
            f"the generator function {function.__qualname__}, which does it later: decorate what goes through it, or put"
            " `with dispatcher.begin(...)` around that"
        )
    return None
