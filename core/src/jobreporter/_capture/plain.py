"""Any value as bounded plain data.

Plain is ``None``, ``bool``, ``int`` of 64 bits, finite ``float``, valid ``str``, tuple or list of plain, dict of
``str`` to plain. Everything else becomes text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from jobreporter._capture.bounds import KEY_LENGTH, WIDE, Bounds
from jobreporter._capture.walk import Walk
from jobreporter._foreign.bounded_text import cut
from jobreporter._foreign.containers import is_light
from jobreporter._foreign.shown import shown


def plain(value: object, bounds: Bounds = WIDE) -> Any:
    """A value as plain data, within bounds."""
    return Walk(bounds).value(value)


def brief(value: object, bounds: Bounds, show: Callable[[Any], str] = repr) -> str:
    """What a value shows of itself, ``bounds.text`` characters of it at most: of a large one, what is plain within bounds."""
    if is_light(value):
        return shown(value, bounds.text, show)
    return cut(show(plain(value, bounds)), bounds.text)  # to show all of it may take any time


def all_names(keys: Iterable[Any]) -> bool:
    """Whether the keys of a dict are texts that stay as they are."""
    return all(type(key) is str and len(key) <= KEY_LENGTH and key.isascii() for key in keys)
