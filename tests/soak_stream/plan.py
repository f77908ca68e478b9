"""What a run is like, and the dice of everybody in it: all of it follows from the seed."""

from __future__ import annotations

import random
from typing import Literal

import msgspec

#: ``spool``: Redis behind a spool.
Engine = Literal["sqlite", "redis", "spool"]
ENGINES: tuple[Engine, ...] = ("sqlite", "redis", "spool")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One run.

    seconds: how long there are troubles. pace: seconds between two troubles of the same one, about; agents get three times
    as long, since a lease lasts ten seconds. window: events that are in a reporter's hands. sweeps: whether the end waits
    until the executions of workers that were killed are found.
    """

    seed: int
    engine: Engine
    seconds: float
    pace: float = 8.0
    window: int = 100
    sweeps: bool = True

    def dice(self, name: str) -> random.Random:
        """Those of one who takes part."""
        return random.Random(f"{self.seed}/{name}")  # noqa: S311 - chance that repeats is the point
