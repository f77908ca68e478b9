"""Lines and tables: as wide as they may be, and made of what a terminal only shows."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from jobreporter_history._top import charts
from jobreporter_history._top.lines import Part, Target, clipped, cut, fit, flow, heading, safe, wrapped
from jobreporter_history._top.tables import Column, Row, table

#: What steers terminals, what is twice as wide as a letter, what has no width, what runs from right to left.
TEXTS = st.text(st.sampled_from("ab .:[/]\x1b\n\t\u202e\u200d\x00\ud800中文💥é\u0301שלם")) | st.text()
WIDTHS = st.integers(1, 60)
UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(TEXTS, WIDTHS, st.booleans(), st.booleans())
def test_text_fits(text: str, width: int, right: bool, tail: bool) -> None:
    """Whatever a text is made of, it takes the cells that it has, or fewer where it is cut, and steers nothing."""
    assert cell_len(cut(safe(text), width, tail=tail)) <= width
    fitted = fit(safe(text), width, right=right, tail=tail)
    assert cell_len(fitted) == width
    assert {unicodedata.category(each) for each in fitted} & UNSAFE == set()


@pytest.mark.parametrize(
    ("text", "width", "tail", "found"),
    [
        ("shop.tasks.charge", 10, False, "shop.task…"),
        ("shop.tasks.charge", 10, True, "…ks.charge"),
        ("shop", 4, True, "shop"),
        ("中文中文", 4, False, "中…"),
        ("中文中文", 5, True, "…中文"),
        ("ab", 1, False, "…"),
        ("ab", 0, False, ""),
    ],
)
def test_text_is_cut_at_the_end_that_tells_less(text: str, width: int, tail: bool, found: str) -> None:
    """A cut is marked, and wide characters aren't halved."""
    assert cut(text, width, tail=tail) == found


@given(TEXTS, WIDTHS, st.integers(1, 5), st.integers(0, 8))
def test_a_wrapped_text_fits(text: str, width: int, most: int, indent: int) -> None:
    """However long a text is, it has its few lines."""
    lines = wrapped(text, width + indent, most=most, indent=indent)
    assert len(lines) <= most
    # A character that is wider than the whole line stands alone.
    assert all(cell_len(line.text) <= max(width, 2) + indent for line in lines)
    assert {unicodedata.category(each) for line in lines for each in line.text} & UNSAFE == set()


def test_a_wrapped_text_is_all_there() -> None:
    """Lines break between words, and where there are more than may be, the last one says so."""
    text = "one two three\nfour five six seven"
    assert [line.text for line in wrapped(text, 9)] == ["one two", "three", "four five", "six seven"]
    assert [line.text for line in wrapped(text, 9, most=2)] == ["one two", "three …"]
    assert wrapped("", 9) == []


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=4), st.integers(1, 90))
def test_a_table_fits(rows: list[tuple[str, str, str]], width: int) -> None:
    """A table is never wider than the screen, and the column that gives way is always there."""
    columns = (Column("job", tail=True), Column("queue", 1), Column("runs", 2, right=True))
    lines = table(columns, [Row([Part(safe(cell)) for cell in row]) for row in rows], width)
    assert len(lines) == len(rows) + 1
    assert all(cell_len("".join(part.text for part in line.parts)) <= width for line in lines)
    assert all(line.parts for line in lines)


def test_the_columns_go_first_that_tell_least() -> None:
    """By their rank, as it gets narrower; one in which nothing stands isn't there at all."""
    columns = (Column("job"), Column("queue", 1), Column("runs", 3, right=True), Column("p95", 2), Column("empty", 9))
    name = "a.job.with.a.name.of.30.letters"
    row = Row([Part(each) for each in (name, "celery default", "12,000", "10 s", "")], Target("job", name))
    heads = {width: table(columns, [row], width)[0].text.split() for width in (70, 45, 35, 20)}
    assert heads == {
        70: ["job", "queue", "runs", "p95"],
        45: ["job", "runs", "p95"],
        35: ["job", "runs"],
        20: ["job"],
    }
    assert table(columns, [row], 70)[1].target == Target("job", name)


def test_things_beside_each_other_go_on_below() -> None:
    """As many as there is room for stand on a line."""
    items = [[Part("12", "strong"), Part(" failed")], [Part("3 final")], [Part("1 runs")]]
    assert [line.text for line in flow(items, 18)] == ["12 failed  3 final", "1 runs"]
    assert [line.text for line in flow(items, 5)] == ["12 f…", "3 fi…", "1 ru…"]


def test_a_heading_and_parts_are_cut() -> None:
    """The note behind a heading is the first to go."""
    assert heading("Jobs", 80, "16").text == "JOBS  16"
    assert heading("Jobs", 5, "16").text == "JOBS"
    assert clipped([Part("abc"), Part("def", "bad")], 4) == [Part("abc"), Part("…", "bad")]


def test_charts() -> None:
    """Every bar is there however little it is, the highest one is full, and several share a cell where there are many."""
    assert charts.spark([0, 1, 4, 8], 4) == " ▁▄█"
    assert charts.spark([0, 1, 1000], 3) == " ▁█"
    assert charts.spark([0, 0], 4) == "    "
    assert charts.spark([1, 8], 4) == "▁▁██"
    assert charts.spark([0, 1, 2, 3, 4, 5, 6, 7], 4) == charts.spark([1, 5, 9, 13], 4)
    assert [line.text for line in charts.chart([1, 2, 4], 11, 2, "quiet", "4 runs")] == ["   █ 4 runs", "▄▄██"]
    assert all(cell_len(line.text) <= 3 for line in charts.chart([1, 2, 4], 3, 1, "bad", "4,000 runs"))
