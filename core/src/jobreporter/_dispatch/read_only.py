"""Dicts and lists that nobody can change: all reporters get the same events, and none can take them from the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn, Self

from msgspec.structs import force_setattr

from jobreporter.error_info import ErrorInfo, Frame
from jobreporter.events import Job


def _refuse(self: object, *_args: object, **_kwargs: object) -> NoReturn:
    kind = "dict" if isinstance(self, dict) else "list"
    raise TypeError(f"events are shared by all reporters: change a copy of this {kind}, as in {kind}(...)")


class ReadOnlyDict(dict[str, Any]):
    """A dict to look at. It is encoded, compared and printed like any other; what is copied of it can be changed."""

    __slots__ = ()

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        closed = dict.__new__(cls)
        dict.__init__(closed, *args, **kwargs)
        return closed

    __init__ = object.__init__  # which does nothing: dict's own changes what is filled already
    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __copy__(self) -> dict[str, Any]:
        return dict(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        from copy import deepcopy

        return deepcopy(dict(self), memo)

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return (dict, (dict(self),))


class ReadOnlyList(list[Any]):
    """A list to look at, likewise."""

    __slots__ = ()

    def __new__(cls, items: Iterable[Any] = ()) -> Self:
        closed = list.__new__(cls)
        list.__init__(closed, items)
        return closed

    __init__ = object.__init__
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    def __copy__(self) -> list[Any]:
        return list(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        from copy import deepcopy

        return deepcopy(list(self), memo)

    def __reduce__(self) -> tuple[type, tuple[list[Any]]]:
        return (list, (list(self),))


#: What stands for every empty dict.
EMPTY = ReadOnlyDict()

_SCALARS = frozenset([str, int, float, bool, type(None)])


def read_only(value: Any) -> Any:
    """The same plain data, with dicts and lists that can't be changed. What holds none is returned as it is."""
    kind = type(value)
    if kind in _SCALARS or kind is ReadOnlyDict or kind is ReadOnlyList:
        return value
    if kind is dict:
        return ReadOnlyDict({key: read_only(each) for key, each in value.items()}) if value else EMPTY
    if kind is list:
        return ReadOnlyList(map(read_only, value))
    if kind is tuple and not _SCALARS.issuperset(map(type, value)):
        return tuple(map(read_only, value))
    return value


def freeze(record: Any, *fields: str) -> None:
    """Put data that can't be changed into these fields of a frozen record of ours, in place."""
    for field in fields:
        value = getattr(record, field)
        frozen = read_only(value)
        if frozen is not value:
            force_setattr(record, field, frozen)


def freeze_job(job: Job) -> None:
    """Likewise for a job. Most have little to change."""
    if not _SCALARS.issuperset(map(type, job.args)):
        freeze(job, "args")
    if job.kwargs is not EMPTY:
        freeze(job, "kwargs")
    if job.extra is not EMPTY:
        freeze(job, "extra")


def freeze_error(error: ErrorInfo) -> None:
    """Likewise for the local variables in an error's frames, and for all errors that it refers to."""
    waiting = [error]
    for each in waiting:
        for frame in each.frames:
            if type(frame) is Frame and frame.locals is not None:
                freeze(frame, "locals")
        waiting += [other for other in (each.cause, each.context, *each.exceptions) if other is not None]
