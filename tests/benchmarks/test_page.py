"""docs/speed.md says what was measured."""

from __future__ import annotations

from _chart import chart
from _page import CHART, PAGE, ordered, page
from _results import load
from _row import Result, Row


def test_the_page_and_its_chart_are_made_of_the_results() -> None:
    """Every figure of the table is one of docs/speed.json; ``python benchmarks/_page.py`` brings them in line."""
    programs = load()
    text = PAGE.read_text()
    assert text.count("<!-- generated -->") == text.count("<!-- end of generated -->") == 1
    assert page(text, programs) == text
    assert chart(ordered(programs)) == CHART.read_text()


def test_every_goal_is_measured() -> None:
    """The rows from 1 to 13 are there, each with its goal."""
    numbered = [result.row for result in ordered(load()) if result.row.number]
    assert {int(row.number) for row in numbered} >= set(range(1, 14))
    assert all(row.goal is not None for row in numbered)


def test_a_goal_is_reached_by_the_median() -> None:
    """That is judged by our share of the peer's figure, or by our own figure where the goal is one."""

    def reached(**fields: object) -> bool | None:
        row = Row(what="a", peer="b", **fields)  # type: ignore[arg-type]
        return Result(row=row, ours=(1, 2, 3), theirs=(4, 4, 4), ratio=(0.25, 0.5, 0.75)).reached

    assert reached() is None
    assert reached(goal=0.5)
    assert not reached(goal=0.49)
    assert reached(goal=2, judged="ours")
    assert not reached(goal=1.9, judged="ours")
