"""Random jobs, drawn so that they can be drawn again: ``CLOSURE_JOBS`` says how many for each queue, ``CLOSURE_SEED`` how."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from typing import TypeVar

JOBS = int(os.environ.get("CLOSURE_JOBS", "150"))
SEED = int(os.environ.get("CLOSURE_SEED", "1"))

#: What to do to see it again.
AGAIN = f"CLOSURE_JOBS={JOBS} CLOSURE_SEED={SEED}"

End = TypeVar("End")


def numbers(name: str) -> random.Random:
    """The chance of one test."""
    return random.Random(f"{name} {SEED}")  # noqa: S311 - to be drawn again


def pick(chance: random.Random, weights: Mapping[End, int]) -> End:
    """One of these, as often as its weight says."""
    return chance.choices(list(weights), list(weights.values()))[0]
