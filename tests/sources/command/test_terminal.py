"""What somebody at a terminal would see of an output."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobreporter.sources.command._terminal import lines_shown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("", [""]),
        ("one\ntwo\n", ["one", "two", ""]),
        ("one\r\ntwo\r\r\n", ["one", "two", ""]),
        ("blanks at the end   \n", ["blanks at the end", ""]),
        ("  blanks in front", ["  blanks in front"]),
        ("a\tb", ["a\tb"]),
        ("10%\r20%\r100%", ["100%"]),
        ("copying 100%\rdone", ["doneing 100%"]),
        ("copying 100%\r\x1b[Kdone", ["done"]),
        ("copying 100%\r\x1b[K", [""]),
        ("copying 100%\x1b[2K", [""]),
        ("copying 100%\x1b[2K\rdone", ["done"]),
        ("abcdef\x1b[3D\x1b[K", ["abc"]),
        ("abcdef\x1b[3D\x1b[1K", ["    ef"]),
        ("abcdef\x1b[3GX", ["abXdef"]),
        ("ab\x1b[3CX", ["ab   X"]),
        ("ab\b\bX", ["Xb"]),
        ("\x1b[31merror\x1b[0m: no", ["error: no"]),
        ("\x1b[1;38;5;196mred\x1b[m", ["red"]),
        ("\x1b]0;a title\x07text", ["text"]),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", ["link"]),
        ("\x1b(Btext\x1b7", ["text"]),
        ("\x1bPq#0;2;0;0;0~~\x1b\\text\x1b_words for tmux\x1b\\", ["text"]),
        ("\ufefftext\n\ufeff\n\u200b \u00ad", ["\ufefftext", "", ""]),
        ("cut off \x1b", ["cut off"]),
        ("cut off \x1b[3", ["cut off"]),
        ("bell\x07 and \x00nothing\x7f", ["bell and nothing"]),
        ("caf\u00e9 \u65e5\u672c", ["caf\u00e9 \u65e5\u672c"]),
        ("page\fbreak", ["page", "break"]),
        ("far\x1b[99999999Caway", ["far away"]),
    ],
)
def test_what_is_shown_in_the_end(written: str, shown: list[str]) -> None:
    """Overwritten, cleared and coloured as a terminal does it; what it can't show is left out."""
    assert lines_shown(written) == shown


@given(st.text(alphabet=string.printable + "\x00\x07\x08\x1b\x7f\x9b\u00e9", max_size=300))
def test_whatever_is_written_shows_nothing_that_is_not_to_be_seen(written: str) -> None:
    """No control character is left but the tab, no line is longer than it can be, and nothing raises."""
    for line in lines_shown(written):
        assert not any(char < " " and char != "\t" for char in line)
        assert len(line) <= 10_000 + len(written)


@given(st.text(alphabet=string.ascii_letters + " ", min_size=1, max_size=50))
def test_plain_text_is_shown_as_it_is(written: str) -> None:
    """But for the blanks at its end."""
    assert lines_shown(written) == [written.rstrip()]
