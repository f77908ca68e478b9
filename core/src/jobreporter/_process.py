"""What becomes of dispatchers when their process forks or exits."""

from __future__ import annotations

import atexit
import os
import weakref
from typing import Any, Protocol


class Tenant(Protocol):
    """What lives in a process."""

    def forked(self) -> object:
        """This is the child: forget the parent's events and threads. Returns what must never be finalized here."""

    def exiting(self) -> None:
        """The interpreter exits: hand out what can be, and count the rest."""


_tenants: weakref.WeakSet[Any] = weakref.WeakSet()

# What a child inherits from its parent and must not finalize: to free the parent's event loop, or a file with something
# in its buffer, would change what they share.
_inherited: list[object] = []


def register(tenant: Tenant) -> None:
    """Tell this one of forks and of the exit, for as long as it exists."""
    _tenants.add(tenant)


def _forked() -> None:
    _inherited.extend(tenant.forked() for tenant in list(_tenants))


def _exiting() -> None:
    for tenant in list(_tenants):
        tenant.exiting()


os.register_at_fork(after_in_child=_forked)
atexit.register(_exiting)
