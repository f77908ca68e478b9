"""One series of a histogram: counts by bucket, and an example of each."""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

#: The most characters that an example's id may have, by OpenMetrics' rules.
MOST_EXEMPLAR = 128 - len("job_id")


class Example(NamedTuple):
    """One execution that a number counts, which the page shows as its exemplar."""

    job_id: str
    value: float
    #: Unix seconds.
    at: float


class Histogram:
    """How often a duration fell into each bucket. bounds: the upper bounds; a last bucket has none."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0
        #: The latest example of each bucket, by its place.
        self.examples: dict[int, Example] = {}

    def observe(self, seconds: float, example: Example | None) -> None:
        """Count one duration."""
        place = bisect_left(self.bounds, seconds)
        self.counts[place] += 1
        self.total += seconds
        if example is not None:
            self.examples[place] = example

    def add(self, other: Histogram) -> None:
        """Count what another has counted.

        Its bounds may be others, of an older config: each of its buckets goes into the smallest that holds all of it.
        """
        for place, count in enumerate(other.counts):
            mine = place
            if other.bounds != self.bounds:
                mine = bisect_left(self.bounds, other.bounds[place]) if place < len(other.bounds) else len(self.bounds)
            self.counts[mine] += count
            example = other.examples.get(place)
            if example is not None and (mine not in self.examples or self.examples[mine].at <= example.at):
                self.examples[mine] = example
        self.total += other.total
