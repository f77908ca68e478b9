"""One series of a histogram: counts by bucket, and an example of each."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, NamedTuple, Self


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

    def to_plain(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "bounds": self.bounds,
            "counts": self.counts,
            "total": self.total,
            "examples": list(self.examples.items()),
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Self:
        """What `to_plain` gave."""
        histogram = cls(tuple(map(float, plain["bounds"])))
        counts = [int(count) for count in plain["counts"]]
        if len(counts) != len(histogram.counts):
            raise ValueError("a histogram has another number of counts than of buckets")
        histogram.counts, histogram.total = counts, float(plain["total"])
        histogram.examples = {place: Example(*example) for place, example in plain["examples"]}
        return histogram
