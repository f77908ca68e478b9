"""Figures as the content of a file.

A file may be of another version, cut off, or from somebody's hand, and what is in it is added to the total for good. So all
of it is checked: that it has the right shape, that every number is finite and can be true, and that it belongs to a metric.
"""

from __future__ import annotations

from math import isfinite
from typing import Annotated, NamedTuple

import msgspec

from jobreporter_prometheus._figures.families import FAMILIES, JOB, Key
from jobreporter_prometheus._figures.figures import Figures, Frame
from jobreporter_prometheus._figures.histogram import MOST_EXEMPLAR, Example, Histogram
from jobreporter_prometheus._figures.running import MOST_ENDED, MOST_RUNNING, Run

#: Of the layout: a file of another one can't be read.
VERSION = 2

#: No count, sum or time is more: adding many up stays finite, and exact to a thousandth.
Number = Annotated[float, msgspec.Meta(ge=0, le=1e12)]
Count = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
Bounds = Annotated[tuple[float, ...], msgspec.Meta(min_length=1, max_length=200)]


class Unreadable(ValueError):  # noqa: N818 - it names a state of a file
    """The content of a file is no figures of this version. The message says why."""


class SavedExample(msgspec.Struct, array_like=True):
    """An `Example`."""

    job_id: Annotated[str, msgspec.Meta(max_length=MOST_EXEMPLAR)]
    value: Number
    at: Number


class SavedHistogram(msgspec.Struct):
    """A `Histogram`."""

    bounds: Bounds
    counts: tuple[Count, ...]
    total: Number
    examples: dict[Count, SavedExample] = {}

    def __post_init__(self) -> None:
        if list(self.bounds) != sorted(set(self.bounds)) or not all(map(isfinite, self.bounds)):
            raise ValueError("the bounds of buckets don't rise")
        if len(self.counts) != len(self.bounds) + 1 or any(place >= len(self.counts) for place in self.examples):
            raise ValueError("a histogram has another number of counts than of buckets")


class SavedFrame(msgspec.Struct):
    """A `Frame`."""

    buckets: dict[str, Bounds]
    max_label_sets: Annotated[int, msgspec.Meta(gt=0)]
    running_limit: Number


class SavedFigures(msgspec.Struct):
    """`Figures`, and which processes were added to them last: those whose files may not have been removed yet."""

    version: Annotated[int, msgspec.Meta(ge=VERSION, le=VERSION)]
    frame: SavedFrame
    admitted: dict[str, list[tuple[str, ...]]] = {}
    counters: list[tuple[Key, Number]] = []
    examples: list[tuple[Key, SavedExample]] = []
    gauges: list[tuple[Key, Number]] = []
    histograms: list[tuple[Key, SavedHistogram]] = []
    runs: Annotated[list[tuple[str, tuple[Key, Number]]], msgspec.Meta(max_length=MOST_RUNNING)] = []
    ended: Annotated[list[str], msgspec.Meta(max_length=MOST_ENDED)] = []
    added: list[str] = []


class Loaded(NamedTuple):
    """What a file had in it."""

    figures: Figures
    added: list[str]


_decoder = msgspec.json.Decoder(SavedFigures)


def encode(figures: Figures, added: list[str] | None = None) -> bytes:
    """Figures as the content of a file. added: the processes whose figures they already hold."""
    frame = figures.frame
    return msgspec.json.encode(
        SavedFigures(
            version=VERSION,
            frame=SavedFrame(dict(frame.buckets), frame.max_label_sets, frame.running_limit),
            admitted=figures.caps.to_plain(),
            counters=list(figures.counters.items()),
            examples=[(key, SavedExample(*example)) for key, example in figures.examples.items()],
            gauges=list(figures.gauges.items()),
            histograms=[(key, _saved(histogram)) for key, histogram in figures.histograms.items()],
            runs=list(figures.running.runs.items()),
            ended=list(figures.running.ended_elsewhere),
            added=added or [],
        )
    )


def decode(content: bytes) -> Loaded:
    """The figures of a file, without metrics that this version doesn't have. Raises Unreadable."""
    try:
        saved = _decoder.decode(content)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Unreadable(str(error)) from error
    frame = Frame(saved.frame.buckets, saved.frame.max_label_sets, saved.frame.running_limit)
    figures = Figures(frame)
    figures.caps.admit_all(saved.admitted)
    figures.counters = {key: value for key, value in saved.counters if _is(key, "counter")}
    figures.examples = {key: _example(each) for key, each in saved.examples if key in figures.counters}
    figures.gauges = {key: value for key, value in saved.gauges if _is(key, "gauge")}
    figures.histograms = {key: _histogram(each) for key, each in saved.histograms if _is(key, "histogram")}
    figures.running.load(
        {execution_id: Run(job, at) for execution_id, (job, at) in saved.runs if len(job) == len(JOB)}, saved.ended
    )
    return Loaded(figures, saved.added)


def _is(key: Key, kind: str) -> bool:
    family = FAMILIES.get(key[0]) if key else None
    return family is not None and family.kind == kind and len(key) == 1 + len(family.labels)


def _saved(histogram: Histogram) -> SavedHistogram:
    examples = {place: SavedExample(*example) for place, example in histogram.examples.items()}
    return SavedHistogram(histogram.bounds, tuple(histogram.counts), histogram.total, examples)


def _histogram(saved: SavedHistogram) -> Histogram:
    histogram = Histogram(saved.bounds)
    histogram.counts, histogram.total = list(saved.counts), saved.total
    histogram.examples = {place: _example(each) for place, each in saved.examples.items()}
    return histogram


def _example(saved: SavedExample) -> Example:
    return Example(saved.job_id, saved.value, saved.at)
