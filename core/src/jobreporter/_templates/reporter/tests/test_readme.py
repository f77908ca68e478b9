"""The README says what the reporter does."""

from __future__ import annotations

from . import option_table


def test_every_option_is_in_the_readme() -> None:
    """``python -m tests.option_table`` brings the table up to date."""
    assert option_table.written() == option_table.made()
