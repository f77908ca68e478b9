"""An error as plain data: what was raised, where, and because of what."""

from __future__ import annotations

import builtins
from typing import Any

import msgspec

from jobreporter._foreign.classes import full_name, imported_class
from jobreporter.error_info._format import formatted


class Frame(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One call on the stack."""

    filename: str
    lineno: int
    function: str
    module: str | None = None
    #: The line of source, stripped; ``None`` where it can't be read.
    line: str | None = None
    #: Whether it is the program's own code, and not that of a library, a job queue or Python itself; ``None``: not known.
    in_app: bool | None = None
    #: Local variables as bounded, redacted text; only with ``capture.locals``.
    locals: dict[str, Any] | None = None


class ErrorInfo(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An exception as plain data, with its causes."""

    #: ``package.module.Class``; a builtin is ``builtins.ValueError``.
    type: str
    message: str = ""
    #: Names of the class and all its bases, like ``type``, in method resolution order.
    mro: tuple[str, ...] = ()
    #: The stack, outermost call first.
    frames: tuple[Frame, ...] = ()
    #: How many calls in the middle of a long stack are missing from ``frames``.
    frames_omitted: int = 0
    #: The error that it was raised ``from``.
    cause: ErrorInfo | None = None
    #: The error that was being handled when it was raised.
    context: ErrorInfo | None = None
    suppress_context: bool = False
    notes: tuple[str, ...] = ()
    #: The members of an exception group.
    exceptions: tuple[ErrorInfo, ...] = ()

    def __str__(self) -> str:
        """The usual formatted traceback, with causes and contexts, and the members of a group."""
        return formatted(self)

    def matches(self, *types_or_names: builtins.type | str) -> bool:
        """Whether the error is of one of these types or of a type derived from one, like ``isinstance``.

        A type may be given by its full name, ``"shop.errors.Expected"``, also by that of a module which only imports
        it, or by a bare builtin name, ``"TimeoutError"``. Names are compared, so it makes no difference in which
        process the error was raised, and nothing is imported. Raises `TypeError` for what is neither type nor name.
        """
        own = {self.type, *self.mro}
        return any(not own.isdisjoint(_names(each)) for each in types_or_names)

    def to_exception(self) -> BaseException:
        """An exception with traceback, causes, contexts, notes and members, for code that works with nothing else.

        Its class bears the name of the real one and derives from it, or from the nearest of its bases that is imported
        in this process already and has no code that runs when a class derives from it. ``str()`` of it is the message;
        attributes of its own are not restored.
        """
        from jobreporter.error_info._rebuild import (
            rebuilt,  # tblib, which it needs, is loaded only where this is called
        )

        return rebuilt(self)


def _names(type_or_name: type | str) -> tuple[str, ...]:
    """The full names that a type or a name stands for."""
    if isinstance(type_or_name, type):
        return (full_name(type_or_name),)
    if not isinstance(type_or_name, str):
        raise TypeError(f"matches() takes types and names of types, not {type_or_name!r}")
    known = imported_class(type_or_name if "." in type_or_name else f"{builtins.__name__}.{type_or_name}")
    return (type_or_name,) if known is None else (type_or_name, full_name(known))
