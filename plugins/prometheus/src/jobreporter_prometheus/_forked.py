"""What a forked child inherits of this reporter and must let go of: its open files and its port.

A lock that a dead parent held would be held on by its children, and so would the port. The child closes its copies and
nothing more: to unlock or to shut down would reach the parent as well.
"""

from __future__ import annotations

import os
import weakref
from typing import Any, Protocol


class Inheritance(Protocol):
    """Something open that a fork copies."""

    def let_go(self) -> None:
        """This is the child: close the copy."""


_open: weakref.WeakSet[Any] = weakref.WeakSet()


def remember(inheritance: Inheritance) -> None:
    """Have forked children let go of this."""
    _open.add(inheritance)


def forget(inheritance: Inheritance) -> None:
    """It is closed."""
    _open.discard(inheritance)


def _in_child() -> None:
    for inheritance in list(_open):
        inheritance.let_go()
    _open.clear()


os.register_at_fork(after_in_child=_in_child)
