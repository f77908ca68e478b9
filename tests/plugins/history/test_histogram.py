"""Histograms of durations: quantiles within 5 %, and parts that add up to the whole."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobreporter_history._display.text import about
from jobreporter_history._histogram import Histogram, bucket_of, lower_bound
from jobreporter_history._rollups import Cell

Draw = Callable[[random.Random], float]
DISTRIBUTIONS: dict[str, Draw] = {
    "uniform": lambda chance: chance.uniform(0.05, 20),
    "exponential": lambda chance: 0.002 + chance.expovariate(1 / 3),
    "lognormal": lambda chance: max(chance.lognormvariate(-1, 1.5), 0.0011),
    "two peaks": lambda chance: chance.gauss(0.2, 0.02) if chance.random() < 0.7 else chance.gauss(30, 2),
    "long tail": lambda chance: 0.01 * chance.paretovariate(1.2),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_quantiles_are_within_five_percent(name: str) -> None:
    """Of five distributions, the median and the 90th, 95th and 99th percentiles of 20,000 durations."""
    chance = random.Random(3)  # noqa: S311 - chance, and no secret
    durations = sorted(DISTRIBUTIONS[name](chance) for _ in range(20_000))
    histogram = Histogram.of(durations)
    for q in (0.5, 0.9, 0.95, 0.99):
        assert histogram.quantile(q) == pytest.approx(durations[int(q * len(durations)) - 1], rel=0.05), q
    assert histogram.quantile(1.0) == pytest.approx(min(durations[-1], lower_bound(256)), rel=0.1)


durations_of = st.lists(st.floats(0, 1e7), max_size=50)


@given(durations_of, durations_of)
def test_parts_are_the_whole(one: list[float], other: list[float]) -> None:
    """Added up in either order, taken away again, stored and read, parts are the same as the whole."""
    whole = Histogram.of(one + other)
    assert Histogram.of(one).plus(Histogram.of(other)) == Histogram.of(other).plus(Histogram.of(one)) == whole
    assert whole.minus(Histogram.of(other)) == Histogram.of(one)
    assert Histogram.decode(whole.encode()) == whole
    assert whole.count == len(one) + len(other)


@given(st.dictionaries(st.integers(0, 255), st.integers(1, 10**12)))
def test_any_counts_are_stored(counts: dict[int, int]) -> None:
    """Counts of any size survive being stored."""
    assert Histogram.decode(Histogram(counts).encode()) == Histogram(counts)


@given(st.floats(0.0011, 3_000_000))
def test_a_bucket_is_narrow(seconds: float) -> None:
    """A duration lies in its bucket, which is 9 % wide."""
    low, high = lower_bound(bucket_of(seconds)), lower_bound(bucket_of(seconds) + 1)
    assert low <= seconds * (1 + 1e-12)
    assert seconds <= high * (1 + 1e-12)
    assert high / low == pytest.approx(2 ** (1 / 8))


def test_nothing_has_no_quantile() -> None:
    """Of no durations nothing is known."""
    assert Histogram().quantile(0.5) is None
    assert Histogram().count == 0


@given(durations_of)
def test_cells_take_out_what_they_counted(durations: list[float]) -> None:
    """A cell that counted executions and takes them out again, in another order, is empty to the byte."""
    cell = Cell()
    for seconds in durations:
        cell.count("success", final=False, retried=False, duration=seconds, wait=seconds / 3)
    for seconds in reversed(durations):
        cell.count("success", final=False, retried=False, duration=seconds, wait=seconds / 3, by=-1)
    assert cell.to_row() == Cell().to_row()
    assert cell.is_empty


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "\N{EN DASH}"),
        (0.0, "0 ms"),
        (0.0014, "1 ms"),
        (0.0149, "15 ms"),
        (0.149, "150 ms"),
        (0.996, "1.0 s"),
        (1.47, "1.5 s"),
        (27.9, "28 s"),
        (59.7, "1.0 m"),
        (150.3, "2.5 m"),
        (2851, "48 m"),
        (9342, "2.6 h"),
        (40 * 3600, "40 h"),
        (60 * 3600, "2.5 d"),
        (3_000_000, "35 d"),
    ],
)
def test_a_quantile_is_shown_with_two_digits(seconds: float | None, shown: str) -> None:
    """More of them would say what nobody knows."""
    assert about(seconds) == shown
