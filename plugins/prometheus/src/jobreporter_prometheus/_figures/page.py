"""Figures as prometheus_client's metrics: everything that leaves goes through here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from jobreporter_prometheus._clock import SYSTEM, Clock
from jobreporter_prometheus._figures.caps import OTHER_JOB
from jobreporter_prometheus._figures.families import (
    ABORTS,
    FAILURES,
    FAMILIES,
    FINISHED,
    JOB,
    LEFT_OUT,
    MEASURED,
    OLDEST,
    OTHER,
    OVERFLOW,
    RUNNING,
    STARTED,
    Family,
    Key,
)
from jobreporter_prometheus._figures.figures import Figures, Read
from jobreporter_prometheus._figures.histogram import Example, Histogram
from jobreporter_prometheus._figures.running import Age

#: The place of the label that may have any number of values, where a family has one.
_OPEN = 1 + len(JOB)


class Page(Collector):
    """What a scrape gets. read: the figures as they are now. more: labels that everything gets."""

    def __init__(self, read: Read, clock: Clock = SYSTEM, more: Mapping[str, str] = MappingProxyType({})) -> None:
        self._read = read
        self._clock = clock
        self._more = more

    @property
    def registry(self) -> CollectorRegistry:
        """A registry of its own, with nothing else in it."""
        registry = CollectorRegistry()
        registry.register(self)
        return registry

    def describe(self) -> Iterable[Metric]:
        """The metrics without numbers, so that a scraper may ask for some by name."""
        return [metric(family) for family in FAMILIES.values()]

    def collect(self) -> Iterable[Metric]:
        """The metrics of this moment."""
        found = metrics(self._read(), self._clock.now())
        for metric in found if self._more else ():
            metric.samples = [sample._replace(labels={**sample.labels, **self._more}) for sample in metric.samples]
        return found


def metrics(figures: Figures, now: float) -> list[Metric]:
    """The figures, and what follows from them at this time (Unix seconds), as metrics."""
    made = {name: metric(family) for name, family in FAMILIES.items()}
    counters = {**figures.counters, **overflow(figures.counters)}
    for key, value in counters.items():
        add_counter(made[key[0]], key, value, figures.examples.get(key))
    for key, value in {**figures.gauges, **running(figures, now)}.items():
        made[key[0]].add_sample(key[0], labels(key), value)
    for key, histogram in figures.histograms.items():
        add_histogram(made[key[0]], key, histogram)
    return list(made.values())


def metric(family: Family) -> Metric:
    """The metric of a family, without any number yet."""
    unit = "seconds" if family.name.endswith("_seconds") else ""
    kinds = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily, "histogram": HistogramMetricFamily}
    made: Metric = kinds[family.kind](family.name, family.documentation, labels=family.labels, unit=unit)
    return made


def labels(key: Key) -> dict[str, str]:
    """The labels of a key by their names."""
    named = zip(FAMILIES[key[0]].labels, key[1:], strict=True)
    return {name: value for name, value in named if value or name not in LEFT_OUT}


def add_counter(made: Metric, key: Key, value: float, example: Example | None) -> None:
    """Put one counter into its metric."""
    made.add_sample(f"{key[0]}_total", labels(key), value, exemplar=exemplar(example))


def add_histogram(made: Metric, key: Key, histogram: Histogram) -> None:
    """Put one histogram into its metric. A bucket on the page counts what the ones below it do as well."""
    below = 0
    for place, bound in enumerate((*histogram.bounds, float("inf"))):
        below += histogram.counts[place]
        made.add_sample(
            f"{key[0]}_bucket",
            {**labels(key), "le": bound_text(bound)},
            below,
            exemplar=exemplar(histogram.examples.get(place)),
        )
    made.add_sample(f"{key[0]}_count", labels(key), below)
    made.add_sample(f"{key[0]}_sum", labels(key), histogram.total)


def bound_text(bound: float) -> str:
    """A bucket's upper bound as Prometheus writes it."""
    return "+Inf" if bound == float("inf") else repr(float(bound))


def exemplar(example: Example | None) -> Exemplar | None:
    """An example as the page shows it, in the format that has exemplars."""
    return None if example is None else Exemplar({"job_id": example.job_id}, example.value, example.at)


def running(figures: Figures, now: float) -> dict[Key, float]:
    """How many executions run, and for how long: 0 for a job that is known but doesn't run."""
    ages = {key[1:]: Age(0, 0.0) for key in figures.counters if key[0] == STARTED.name} | figures.running.ages(now)
    found = {(RUNNING.name, *job): float(age.runs) for job, age in ages.items()}
    found |= {(OLDEST.name, *job): age.oldest for job, age in ages.items()}
    # Where the page stays behind when its process dies, this says how old it is.
    return found | {(MEASURED.name, *job): now for job, age in ages.items() if age.runs}


def overflow(counters: Mapping[Key, float]) -> dict[Key, float]:
    """How much is counted as ``other``, by the label that had too many values."""

    def total(found: Iterator[Key]) -> float:
        return sum(counters[key] for key in found)

    return {
        (OVERFLOW.name, "job"): total(key for key in counters if key[0] == FINISHED.name and key[1:_OPEN] == OTHER_JOB),
        (OVERFLOW.name, "error_type"): total(
            key for key in counters if key[0] == FAILURES.name and key[_OPEN] == OTHER
        ),
        (OVERFLOW.name, "reason"): total(key for key in counters if key[0] == ABORTS.name and key[_OPEN] == OTHER),
    }
