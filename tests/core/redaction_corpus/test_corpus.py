"""The corpus is well formed, and every case of the half that the rules were written with passes."""

from __future__ import annotations

import pytest

from tests.core.redaction_corpus import SEAM, Case, Found, leaves, load, reported

EVERY = load("*.toml")
SEEN = load("seen_*.toml")


@pytest.fixture(scope="module")
def found() -> dict[str, Found]:
    """What a report shows of each case of the seen half, by name."""
    return {each.case.name: each for each in reported(SEEN)}


def test_names_are_unique() -> None:
    """A case is known by its name."""
    names = [case.name for case in EVERY]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.name)
def test_a_case_says_what_it_holds(case: Case) -> None:
    """What must vanish and what must stay is in the case, to the letter, and neither is part of the other."""
    given = list(leaves((case.text, *case.arguments)))
    assert any(given)
    for text in (*case.secret, *case.kept):
        assert any(text in each for each in given), text
        assert SEAM not in text
    assert not [(secret, kept) for secret in case.secret for kept in case.kept if secret in kept or kept in secret]


@pytest.mark.parametrize("name", [case.name for case in SEEN])
def test_every_seen_case_passes(name: str, found: dict[str, Found]) -> None:
    """No secret is shown, and nothing else is taken."""
    assert (found[name].leaked, found[name].taken) == ([], [])
