"""Two sides measured in turn, and what the rounds come to."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable
from typing import NamedTuple

#: One measurement: nanoseconds for each event.
Measurement = Callable[[], float]

# Rounds that are not counted: caches, specialized bytecode and threads are warm after them.
WARM_UP = 2


class Spread(NamedTuple):
    """The median of all rounds, and the quartiles around it."""

    low: float
    median: float
    high: float


class Comparison(NamedTuple):
    """Nanoseconds for each event on both sides. ratio: ours to the peer's, round by round."""

    ours: Spread
    peer: Spread
    ratio: Spread


def compare(ours: Measurement, peer: Measurement, rounds: int, warm_up: int = WARM_UP) -> Comparison:
    """Measure both in each round, a moment apart.

    A shared machine is quicker now and slower then, so a figure is worth little without its neighbour: the ratio is
    taken within each round. Whoever went first in one round goes second in the next.
    """
    pairs = []
    for number in range(warm_up + rounds):
        if number % 2:
            first = ours()
            pairs.append((first, peer()))
        else:
            first = peer()
            pairs.append((ours(), first))
    counted = pairs[warm_up:]
    return Comparison(
        spread([mine for mine, _ in counted]),
        spread([theirs for _, theirs in counted]),
        spread([mine / theirs for mine, theirs in counted]),
    )


def spread(figures: list[float]) -> Spread:
    return Spread(*statistics.quantiles(figures, method="inclusive"))


def settle_heap() -> None:
    """Keep the collector from walking over all that was prepared: those who make objects would pay for it."""
    gc.collect()
    gc.freeze()
