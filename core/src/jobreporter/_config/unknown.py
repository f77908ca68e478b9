"""What stands for an option whose value isn't known: a wrong one, or one that only the worker's environment has.

Code that asks it anything gets `NotKnown`, so that what a plugin says of its options as a whole, without having asked,
is true whatever the value turns out to be.
"""

from __future__ import annotations

from typing import Any, Final


class NotKnown(BaseException):
    """Code has asked for a value that isn't known. No error: a plugin's ``except Exception`` lets it pass."""


def _ask(_self: object, *_args: object, **_kwargs: object) -> Any:
    raise NotKnown


class Unknown:
    """Raises whatever it is asked, but for ``is``."""

    __slots__ = ()


for _name in """
    getattribute bool eq ne lt le gt ge hash len iter next contains getitem call str repr format bytes
    int float index complex round abs neg pos invert add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv
    mod rmod pow rpow and rand or ror xor rxor lshift rlshift rshift rrshift fspath enter exit reduce copy deepcopy
""".split():
    setattr(Unknown, f"__{_name}__", _ask)


def _look_up(_self: object, name: str) -> Any:
    """All but its class: libraries ask every object in the process for that, as gevent does when it patches locks."""
    if name == "__class__":
        return Unknown
    raise NotKnown


Unknown.__getattribute__ = _look_up  # type: ignore[method-assign]  # the others are set by name

UNKNOWN: Final = Unknown()
