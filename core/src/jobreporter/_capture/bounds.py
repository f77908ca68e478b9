"""How much is kept of a job's data."""

from __future__ import annotations

import msgspec


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """How much is kept of a value. A mark says how much there was where something was cut."""

    #: Characters of one text.
    text: int
    #: Items of one container.
    items: int
    #: Containers within each other.
    depth: int
    #: All of it, in bytes, roughly.
    total: int


#: Enough to recognise a job by its arguments.
NARROW = Bounds(text=1_000, items=50, depth=6, total=64 * 1024)
#: Enough for nearly any job's arguments as they are.
WIDE = Bounds(text=100 * 1024, items=1_000, depth=20, total=1024 * 1024)

LOWEST, HIGHEST = -(2**63), 2**63 - 1
#: Characters of a key.
KEY_LENGTH = 200
#: What a value takes besides its characters, in bytes, roughly.
NODE = 32
#: Characters of a key of a service that is known by its shape, at least.
SHORTEST_KEY = 16
