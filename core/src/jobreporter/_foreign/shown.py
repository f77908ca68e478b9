"""What an object says of itself, bounded, whatever it does when it is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jobreporter._foreign.bounded_text import cut
from jobreporter._foreign.classes import full_name
from jobreporter._foreign.interruption import is_interruption


def shown(value: object, limit: int, show: Callable[[Any], str] = repr) -> str:
    """At most ``limit`` characters of ``repr(value)``, or a placeholder where that raises or is no text.

    This is one call of the object's own code: the time that it takes can't be bounded from here. An interruption of
    the job that lands in it propagates.
    """
    try:
        text = show(value)
    except BaseException as error:
        if is_interruption(error):
            raise
    else:
        return cut(text, limit)
    return unrepresentable(type(value))


def unrepresentable(kind: type) -> str:
    """The placeholder for an object whose own code fails to describe it."""
    return f"<unrepresentable {full_name(kind)}>"
