"""Arrays and frames are told by type, shape and dtype, and are not asked to show what they hold."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jobreporter._capture.bounds import NARROW
from jobreporter._capture.plain import plain
from jobreporter._foreign.arrays import is_array
from tests.core.capture.reports import report

# As torch and polars have them, which are too large to be installed for a test: a class of that library's name.
Torch = type("Tensor", (), {"__module__": "torch", "__array__": len, "shape": (2, 3), "dtype": "torch.float32"})
Lazy = type("LazyFrame", (), {"__module__": "polars.lazyframe.frame", "shape": property(lambda _self: 1 / 0)})
Odd = type("DataFrame", (), {"__module__": "dask.dataframe", "__array__": len, "shape": (float("nan"), 3)})
Broken = type("Array", (), {"__module__": "jax", "__array__": len, "shape": property(lambda _self: 1 / 0)})


class QuerySet:
    """As Django has them: to show one asks the database."""

    __module__ = "django.db.models.query"

    def __repr__(self) -> str:
        raise SystemExit("asked the database")


class Readings(np.ndarray[Any, Any]):
    """A program's own kind of array."""

    def __repr__(self) -> str:
        raise SystemExit("asked")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.zeros((3, 4)), "<numpy.ndarray of shape (3, 4) and dtype float64>"),
        (np.array(["a"]), "<numpy.ndarray of shape (1,) and dtype <U1>"),
        (np.zeros(3).view(Readings), f"<{__name__}.Readings of shape (3,) and dtype float64>"),
        (np.ma.array([1]), "<numpy.ma.MaskedArray of shape (1,) and dtype int64>"),
        (pd.DataFrame({"a": [1, 2]}), "<pandas.DataFrame of shape (2, 1)>"),
        (pd.Series([1.5]), "<pandas.Series of shape (1,) and dtype float64>"),
        (pd.Index([1]), "<pandas.Index of shape (1,) and dtype int64>"),
        (Torch(), "<torch.Tensor of shape (2, 3) and dtype torch.float32>"),
        (Lazy(), "<polars.lazyframe.frame.LazyFrame>"),
        (Odd(), "<dask.dataframe.DataFrame of shape (?, 3)>"),
        (Broken(), "<jax.Array>"),
        (QuerySet(), "<django.db.models.query.QuerySet>"),
    ],
)
def test_how_an_array_is_shown(value: Any, shown: str) -> None:
    """In an argument, within a container, and in the message of an error about it alone."""
    assert plain(value) == plain(value, NARROW) == shown
    assert plain({"a": [value]}) == {"a": [shown]}
    assert report(value, error=ValueError(value)).message == shown


@pytest.mark.parametrize("value", [np.int64(5), np.float32(2.5), np.str_("x"), np.dtype("int64"), np.bool_(True)])
def test_a_single_number_is_shown(value: Any) -> None:
    """What numpy has for a number or a text is no array."""
    assert not is_array(type(value))
    assert str(value) in str(plain(value))


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.full((3_000_000,), "some text"),
        lambda: np.full((1_000_000,), {"a": 1}, dtype=object),
        lambda: pd.DataFrame({str(number): [1] * 10 for number in range(5_000)}),
    ],
    ids=["texts", "objects", "a wide frame"],
)
def test_however_large_it_is(make: Callable[[], Any]) -> None:
    """An array of texts takes seconds to be shown; told by its shape, it takes none."""
    value = make()
    begin = time.thread_time()
    report(value, [value] * 50, table=value, error=ValueError(value))
    assert time.thread_time() - begin < 0.5, "seconds of this thread alone"


class Slow:
    """An object whose ``repr`` takes its time: how often it was asked."""

    asked = 0

    def __repr__(self) -> str:
        Slow.asked += 1
        return "slow"


@pytest.mark.parametrize("given", [Slow, lambda: [Slow()], lambda: {"a": Slow(), Slow(): 1}])
def test_hidden_arguments_are_asked_nothing(given: Callable[[], Any]) -> None:
    """With ``args = "hidden"`` no object is asked to show itself: nobody would see it."""
    Slow.asked = 0
    found = report(given(), value=given(), error="no", capture={"args": "hidden"})
    assert (found.outcome.job.args, found.outcome.job.kwargs) == ((), {})
    assert Slow.asked == 0
    report(given(), error="no")
    assert Slow.asked > 0
