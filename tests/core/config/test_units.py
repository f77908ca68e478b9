"""Durations and sizes as text."""

from __future__ import annotations

import math
from contextlib import suppress
from decimal import localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobreporter import format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0),
        ("0", 0.0),
        ("2.5", 2.5),
        ("250ms", 0.25),
        ("90s", 90.0),
        ("5m", 300.0),
        ("1.5h", 5400.0),
        ("7d", 604_800.0),
        ("2w", 1_209_600.0),
        ("1h30m", 5400.0),
        ("1h 30m 10s", 5410.0),
        ("30m1h", 5400.0),
        (" 10 s ", 10.0),
        ("0.1s", 0.1),
    ],
)
def test_a_duration_is_read_from_text(text: str, seconds: float) -> None:
    """A bare number counts seconds; parts add up, in any order."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4096", 4096),
        ("0", 0),
        ("1B", 1),
        ("10KB", 10_000),
        ("10MB", 10_000_000),
        ("1GB", 10**9),
        ("1KiB", 1024),
        ("64MiB", 64 * 1024**2),
        ("1.5GiB", 3 * 512 * 1024**2),
        ("1GiB 1B", 1024**3 + 1),
    ],
)
def test_a_size_is_read_from_text(text: str, size: int) -> None:
    """KB, MB and GB count by 1000, KiB, MiB and GiB by 1024."""
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "s",
        "5 years",
        "5S",
        "1h 1h",
        "-1s",
        "1e3",
        "nan",
        "inf",
        "1h,30m",
        "1_000",
        "½m",
        "٣s",
        "1" * 401,
        "1 2",
    ],
)
def test_what_is_no_duration_names_the_units(text: str) -> None:
    """Whatever is wrong with it, the message has the units, an example, and what was found."""
    with pytest.raises(ValueError, match="expected a duration such as '1h 30m'") as refused:
        parse_duration(text)
    message = str(refused.value)
    assert "units ms, s, m, h, d and w; a bare number is seconds" in message
    assert text[:80] in message
    assert len(message) < 300


@pytest.mark.parametrize("text", ["10 M", "5m", "1TB", "1.5.5MB", "KB", "1KB 1KB", "-1B"])
def test_what_is_no_size_names_the_units(text: str) -> None:
    """A unit of time is none of a size."""
    with pytest.raises(ValueError, match="units B, KB, KiB, MB, MiB, GB and GiB; a bare number is bytes"):
        parse_size(text)


def test_a_part_of_a_byte_is_refused() -> None:
    """A size is a whole number, whatever its unit."""
    with pytest.raises(ValueError, match=r"expected a whole number of bytes, found '0\.3B'"):
        parse_size("0.3B")


@pytest.mark.parametrize(("text", "meant"), [("64mb", "MB"), ("1kib", "KiB"), ("3Gb", "GB")])
def test_a_unit_in_other_letters_is_named(text: str, meant: str) -> None:
    """Upper and lower case count, so the right spelling is in the message."""
    with pytest.raises(ValueError, match=f"Did you mean '{meant}'"):
        parse_size(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (10.0, "10s"),
        (0.25, "250ms"),
        (2.5, "2.5s"),
        (90.5, "1m 30.5s"),
        (5400, "1h 30m"),
        (864_000, "10d"),
        (604_800, "1w"),
    ],
)
def test_a_duration_is_shown_in_its_units(seconds: float, text: str) -> None:
    """The text is as short as a reader would write it."""
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0B"), (1000, "1KB"), (1024, "1KiB"), (64 * 1024**2, "64MiB"), (1001, "1001B")]
)
def test_a_size_is_shown_in_one_unit(size: int, text: str) -> None:
    """The unit is the one that makes the number shortest."""
    assert format_size(size) == text


@given(st.floats(min_value=0, allow_infinity=False, allow_nan=False))
def test_a_duration_is_the_same_after_text(seconds: float) -> None:
    """Nothing is rounded on the way."""
    assert parse_duration(format_duration(seconds)) == seconds


@given(st.integers(min_value=0, max_value=10**40))
def test_a_size_is_the_same_after_text(size: int) -> None:
    """Nothing is rounded on the way."""
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize("seconds", [-1.0, math.inf, math.nan])
def test_what_is_no_duration_has_no_text(seconds: float) -> None:
    """It raises instead of writing something that can't be read."""
    with pytest.raises(ValueError, match="expected a finite number of seconds of at least 0"):
        format_duration(seconds)


def test_the_programs_own_precision_does_not_count() -> None:
    """A program may have set Python's decimals to few digits."""
    with localcontext(prec=2):
        assert parse_duration("1h 1.234s") == 3601.234
        assert format_duration(3601.234) == "1h 1.234s"


def test_what_is_no_size_has_no_text() -> None:
    """A negative number of bytes raises."""
    with pytest.raises(ValueError, match="expected a number of bytes of at least 0, found -1"):
        format_size(-1)


@given(st.text(st.sampled_from("0123456789. mshdwKMGiB-x"), max_size=20))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    """No text makes either function raise anything but ValueError, and what is read is never negative."""
    for parse in (parse_duration, parse_size):
        with suppress(ValueError):
            assert parse(text) >= 0
