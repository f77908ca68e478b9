"""Text from jobs, made safe for one line of a log."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobreporter import one_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain text, déjà vu, 日本", "plain text, déjà vu, 日本"),
        ("two\nlines\r\n", "two\\nlines\\r\\n"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("\u2028\u2029\x85", "\\u2028\\u2029\\x85"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_could_break_a_line_is_escaped(text: str, line: str) -> None:
    """Control characters, separators, direction marks and surrogates are shown, and do nothing."""
    assert one_line(text, 100) == line


def test_long_text_is_cut_and_says_so() -> None:
    """A text that doesn't fit ends in three dots within the limit, whatever it is made of."""
    assert one_line("x" * 100, 10) == "xxxxxxx..."
    assert one_line("x" * 10, 10) == "x" * 10
    assert one_line("\n" * 8, 10) == "\\n\\n\\n\\..."
    assert one_line("x" * 10, 2) == ".."


@given(st.text(st.characters()), st.integers(0, 50))
def test_a_line_is_one_line_within_its_limit(text: str, limit: int) -> None:
    """Whatever the text is, the line is short enough, can be encoded, and breaks nowhere."""
    line = one_line(text, limit)
    assert len(line) <= limit
    assert len(line.encode().splitlines()) <= 1
    assert len(line.splitlines()) <= 1
