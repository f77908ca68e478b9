"""An error as Sentry's exception interface: one value for each exception of the tree, the root last."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from jobreporter import ErrorInfo
from jobreporter_sentry._frames import Stacks

#: More exceptions than core captures of one error. An event that was published by hand may have any number.
MOST = 100


def exception_values(error: ErrorInfo, stacks: Stacks) -> list[dict[str, Any]]:
    """The error, its causes and contexts, and the members of groups.

    Each has a number, and all but the root the number of its parent and how it hangs on it: that is how Sentry knows
    trees of exceptions.
    """
    values: list[dict[str, Any]] = []
    waiting: list[tuple[ErrorInfo, dict[str, Any]]] = [(error, {"type": "jobreporter"})]
    while waiting and len(values) < MOST:
        each, mechanism = waiting.pop()
        number = len(values)
        values.append(_value(each, {**mechanism, "handled": False, "exception_id": number}, stacks))
        children = [
            (child, {"type": "chained", "source": source, "parent_id": number}) for source, child in _children(each)
        ]
        waiting += reversed(children)
    return values[::-1]


def _children(error: ErrorInfo) -> Iterator[tuple[str, ErrorInfo]]:
    if error.cause is not None:
        yield "__cause__", error.cause
    elif error.context is not None and not error.suppress_context:
        yield "__context__", error.context
    for index, member in enumerate(error.exceptions):
        yield f"exceptions[{index}]", member


def _value(error: ErrorInfo, mechanism: dict[str, Any], stacks: Stacks) -> dict[str, Any]:
    if error.exceptions or error.matches("BaseExceptionGroup"):
        mechanism["is_exception_group"] = True
    module, name = split_name(error.type)
    value = {"type": name, "module": module, "value": "\n".join([error.message, *error.notes]), "mechanism": mechanism}
    if error.frames:
        value["stacktrace"] = stacks.stacktrace(error)
    return value


def split_name(full_name: str) -> tuple[str | None, str]:
    """The module and the name of a class from both together; no module for a builtin one, as Sentry has it.

    Where the class lies within another one, only the modules that are imported here tell where the module ends.
    """
    outer, *local = full_name.split(".<locals>", 1)
    module = outer.rpartition(".")[0]
    known = module
    while known and known not in sys.modules:
        known = known.rpartition(".")[0]
    if known and (local or outer[len(known) + 1 :][:1].isupper()):
        module = known
    name = full_name.removeprefix(f"{module}.")
    return (None if module in {"", "builtins"} else module), name
