"""Numbers: those that one process has counted, or those of many added up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Self

from jobreporter_prometheus._figures.caps import Caps
from jobreporter_prometheus._figures.families import DURATION, FAMILIES, QUEUE_WAIT, Key
from jobreporter_prometheus._figures.histogram import Example, Histogram
from jobreporter_prometheus._figures.running import Running
from jobreporter_prometheus._options import PrometheusOptions


class Frame(NamedTuple):
    """What figures are made to: the buckets by the family's name, how many label sets, how long a job may run."""

    buckets: Mapping[str, tuple[float, ...]]
    max_label_sets: int
    running_limit: float

    @classmethod
    def usual(cls) -> Self:
        """As it is where nobody says otherwise."""
        return cls.of(PrometheusOptions())

    @classmethod
    def of(cls, options: PrometheusOptions) -> Self:
        """As the config says."""
        buckets = {DURATION.name: options.duration_buckets, QUEUE_WAIT.name: options.queue_wait_buckets}
        return cls(buckets, options.max_label_sets, options.running_limit)


class Figures:
    """Counters, gauges and histograms by their keys, and what is running.

    Whoever counts under a key asks `caps` for it before.
    """

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.caps = Caps(frame.max_label_sets)
        self.counters: dict[Key, float] = {}
        #: The latest example of a counter.
        self.examples: dict[Key, Example] = {}
        self.gauges: dict[Key, float] = {}
        self.histograms: dict[Key, Histogram] = {}
        self.running = Running(frame.running_limit)

    def count(self, key: Key, by: float = 1.0, example: Example | None = None) -> None:
        """Raise a counter; by 0, it only comes into being."""
        self.counters[key] = self.counters.get(key, 0.0) + by
        if example is not None and (key not in self.examples or self.examples[key].at <= example.at):
            self.examples[key] = example

    def histogram(self, key: Key) -> Histogram:
        """The histogram under the key."""
        found = self.histograms.get(key)
        if found is None:
            found = self.histograms[key] = Histogram(self.frame.buckets[key[0]])
        return found

    def add(self, other: Figures, *, live: bool) -> None:
        """Add another process's, which began later.

        live: whether it still runs; of one that doesn't, nothing can be running or pending.
        """
        for key, value in other.counters.items():
            self.count(self.caps.fit(key), value, other.examples.get(key))
        for key, histogram in other.histograms.items():
            self.histogram(self.caps.fit(key)).add(histogram)
        self.gauges = {key: value for key, value in self.gauges.items() if FAMILIES[key[0]].over != "newest"}
        for key, value in other.gauges.items():
            over = FAMILIES[key[0]].over
            if live or not over.startswith("live"):
                mine = self.caps.fit(key)
                before = self.gauges.get(mine, 0.0)
                self.gauges[mine] = before + value if over == "live_sum" else max(before, value)
        if live:
            self.running.add(other.running, self.caps.fit_job)

    def copy(self) -> Figures:
        """The same numbers, which nobody changes any more."""
        copied = Figures(self.frame)
        copied.caps.admit_all(self.caps.to_plain())
        copied.add(self, live=True)
        return copied


#: Reads figures as they are now.
Read = Callable[[], Figures]
