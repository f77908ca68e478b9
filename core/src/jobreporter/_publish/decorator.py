"""Functions whose every call is an execution."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

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
        with begin(args, kwargs):
            return function(*args, **kwargs)

    return cast(Function, call)
