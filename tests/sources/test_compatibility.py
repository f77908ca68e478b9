"""The pages that say which job queue reports what: they can't differ from what the tests hold the sources to."""

from __future__ import annotations

from pathlib import Path

import pytest
from compatibility import PAGES, TABLES, with_tables
from every_source import SOURCES
from suites import SUITES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_what_the_tests_expect(page: Path) -> None:
    """If this fails: ``python tests/sources/compatibility.py``."""
    text = page.read_text(encoding="utf-8")

    assert all(f"<!-- {name} -->" in text for name in TABLES)
    assert with_tables(page) == text


def test_each_kind_of_worker_has_a_suite() -> None:
    """And each suite its kind."""
    kinds = {(source.name, kind) for source in SOURCES for kind in source.kinds}
    assert {(suite.source.name, suite.kind) for suite in SUITES} == kinds
