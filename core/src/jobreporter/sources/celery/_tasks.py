"""What is done to each task of an attached app, whenever it is registered: its `Abort` is one that Celery understands."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import CodeType
from typing import Any, NamedTuple

from celery import Celery, Task
from celery.exceptions import Ignore, Reject

from jobreporter import Abort
from jobreporter.sources.celery._asked import note_unsent_retry

#: Under this name a function that was put around a task's own says what that is.
_KEY = "__jobreporter__"
#: The argument of ``Task.retry`` that sets another limit for one call.
_LIMIT = "max_retries"
#: So many functions that wrap each other are looked into.
_DEEPEST = 20


class GivenUp(Abort, Ignore):  # type: ignore[misc]  # Celery ships no types
    """A job's `Abort` as Celery understands it: nothing is logged as an error, nothing is tried again."""


class Own(NamedTuple):
    """A task's own function. sets_limit: whether it says itself how often it is retried."""

    function: Any
    sets_limit: bool


def watch_tasks(app: Celery, found: Callable[[Task], None]) -> None:
    """Hear of each task of the app: of those that it has, and of each that is registered from now on.

    Whichever way that is done, the registry takes a task before Celery puts its retries around the task's function.
    """
    registry = app._tasks
    kind: Any = type(registry)

    def register(self: Any, name: str, task: Task) -> None:
        found(task)
        kind.__setitem__(self, name, task)

    registry.__class__ = type(kind.__name__, (kind,), {"__setitem__": register, "__module__": kind.__module__})
    for task in list(registry.values()):
        found(task)


def let_abort_pass(task: Task) -> None:
    """Have the task raise `GivenUp` where its own code raises `Abort`, below what Celery retries by itself."""
    name = "_orig_run" if "_orig_run" in vars(task) else "run"
    inside = getattr(task, name)
    if not hasattr(inside, _KEY):
        setattr(task, name, _passing(inside))
    kind = type(task)
    if kind.before_start is not Task.before_start and not hasattr(task.before_start, _KEY):
        task.before_start = _passing(task.before_start)
    # Celery calls the class's, so it can't be the task's alone.
    if kind.__call__ is not Task.__call__ and not hasattr(kind.__call__, _KEY):
        kind.__call__ = _passing(kind.__call__)


def own(task: Task) -> Own:
    """The task's own function, without what was put around it."""
    run = vars(task).get("_orig_run") or task.run
    known: Own | None = getattr(run, _KEY, None)
    return known or Own(run, sets_limit=False)


def most_attempts(task: Task, attempt: int) -> int | None:
    """How many attempts there will be at most; ``None``: without end, or nobody knows.

    That is so where the task's own code gives a limit to ``Task.retry``, and once there are more than there should be.
    """
    limit = task.max_retries
    if "_orig_run" in vars(task):  # Celery retries it by itself, as often as these say
        limits = getattr(task, "retry_kwargs", None)
        stated = limits.get(_LIMIT) if isinstance(limits, dict) else None
        limit = limit if stated is None else stated
    if type(limit) is not int or own(task).sets_limit:
        return None
    return limit + 1 if attempt <= limit + 1 else None


def _passing(inside: Any) -> Any:
    @functools.wraps(inside)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return inside(*args, **kwargs)
        except GivenUp:
            raise
        except Abort as abort:
            raise GivenUp(abort.reason, will_retry=abort.will_retry) from abort
        except Reject as reject:
            note_unsent_retry(reject)
            raise

    setattr(run, _KEY, Own(inside, _sets_limit(inside)))
    return run


def _sets_limit(function: Any) -> bool:
    for _ in range(_DEEPEST):
        function = getattr(function, "__func__", function)
        code = getattr(function, "__code__", None)
        if isinstance(code, CodeType) and _names_limit(code):
            return True
        function = getattr(function, "__wrapped__", None)
    return False


def _names_limit(code: CodeType) -> bool:
    """Whether the code has a call with this keyword, or a function in it has."""
    return any(
        _LIMIT in constant if isinstance(constant, tuple) else isinstance(constant, CodeType) and _names_limit(constant)
        for constant in code.co_consts
    )
