"""What a run is like, and the dice of everybody in it: all of it follows from the seed."""

from __future__ import annotations

import random
from typing import Literal

import msgspec

Engine = Literal["sqlite", "postgresql"]
ENGINES: tuple[Engine, ...] = ("sqlite", "postgresql")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One run.

    seconds: how long there are troubles. pace: seconds between two troubles of the same worker, about; the store has four
    times as long. sweeps: whether the end waits until RQ has found the jobs whose workers were killed.
    """

    seed: int
    engine: Engine
    seconds: float
    pace: float = 8.0
    sweeps: bool = True

    def dice(self, name: str) -> random.Random:
        """Those of one who takes part."""
        return random.Random(f"{self.seed}/{name}")  # noqa: S311 - chance that repeats is the point
