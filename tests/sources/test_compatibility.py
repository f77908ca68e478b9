"""The page that says which job queue reports what: it can't differ from what the tests hold the sources to."""

from __future__ import annotations

import pytest
from compatibility import PAGE, TABLES, in_words, title, with_tables
from every_source import SOURCES
from scenarios import CUT_OFF, DISTURBED, FAILED_AT_FIRST, SCENARIOS, SUCCEEDED, UNDISTURBED, dropped, ran
from workers import Source


def test_the_page_shows_what_the_tests_expect() -> None:
    """If this fails: ``python tests/sources/compatibility.py``."""
    page = PAGE.read_text(encoding="utf-8")

    assert all(f"<!-- {name} -->" in page for name in TABLES)
    assert with_tables(page) == page


@pytest.mark.parametrize("source", SOURCES, ids=title)
def test_every_word_of_a_row_is_known(source: Source) -> None:
    """A misspelt scenario or kind would quietly expect nothing."""
    named = [*source.instead, *(key if isinstance(key, tuple) else (source.kinds[0], key) for key in source.cannot)]

    assert {kind for kind, _ in named} <= set(source.kinds)
    assert {scenario for _, scenario in named} <= set(SCENARIOS)
    assert set(source.has_children) <= set(source.kinds)


def test_each_scenario_has_a_name_of_its_own() -> None:
    """Of two with one name, one would never be tried."""
    assert len(SCENARIOS) == len(UNDISTURBED) + len(DISTURBED)


@pytest.mark.parametrize(
    ("executions", "words"),
    [
        ([SUCCEEDED], "success"),
        ([FAILED_AT_FIRST, SUCCEEDED], "failure, will retry; then success"),
        ([ran("failure timeout final")], "failure `timeout`"),
        ([dropped("expired")], "aborted `expired`, no start"),
        ([CUT_OFF], "started, and no more"),
        ([], "nothing"),
    ],
)
def test_what_is_reported_in_words(executions: list[tuple[str, ...]], words: str) -> None:
    """The table is for people."""
    assert in_words(executions) == words
