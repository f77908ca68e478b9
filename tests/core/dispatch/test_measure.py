"""The size of captured data, as a lane's capacity counts it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from jobreporter._dispatch.measure import NOT_PLAIN, measure
from jobreporter.error_info import ErrorInfo, Frame


@pytest.mark.parametrize("value", [(), {}])
def test_nothing_takes_nothing(value: Any) -> None:
    """Most jobs' kwargs and extras are empty."""
    assert measure(value) == 0


def test_size_follows_the_data() -> None:
    """Text counts by its bytes, and each item on top."""
    assert measure("x" * 1_000) - measure("") == 1_000
    assert measure("ä" * 1_000) - measure("") == 2_000
    assert measure([1, None, True, 1.5]) > measure([1]) > measure([])
    assert measure({"a": ["x" * 500], "b": ("y" * 500,)}) > 1_000


def test_errors_are_measured_with_all_that_they_hold() -> None:
    """Frames, locals and causes of an error count."""
    frame = Frame(filename="a.py", lineno=1, function="f", locals={"a": "x" * 1_000})
    error = ErrorInfo(type="E", cause=ErrorInfo(type="F", frames=(frame,)), notes=("n" * 1_000,))
    assert measure(error) > 2_000


@pytest.mark.parametrize(
    "value",
    [object(), 2**63, -(2**63) - 1, math.nan, math.inf, "\ud800", b"x", {1: 2}, {"a": {1}}, [[object()]], (ErrorInfo,)],
)
def test_what_is_not_plain_is_told(value: Any) -> None:
    """Anything that some codec couldn't write is found, wherever it is."""
    assert measure(value) == NOT_PLAIN
    assert measure([0, value]) == NOT_PLAIN


def test_data_within_itself_is_not_plain() -> None:
    """It has no end, and is given up."""
    own: list[Any] = []
    own.append(own)
    assert measure(own) == NOT_PLAIN


def test_enormous_data_is_not_counted_to_the_end() -> None:
    """What no buffer has room for is found quickly, also where it branches into itself."""
    own: list[Any] = []
    own += [own, own]
    assert measure(own) > 64 * 1024 * 1024
    assert measure([[0] * 3_000_000, object()]) > 64 * 1024 * 1024
