"""The corpus is well formed, the half that the rules were written with passes, and the other has a floor."""

from __future__ import annotations

import pytest

from tests.core.redaction_corpus import SEAM, Case, Found, figures, leaves, load, reported

EVERY = load("*.toml")
SEEN = load("seen_*.toml")
UNSEEN = load("unseen*.toml")

#: Of the half that no rule was made for: measured, and not to become worse.
LEAST_RECALL = 0.964
MOST_FALSE_ALARMS = 0.022


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


def test_the_unseen_half_is_told_apart_as_well_as_it_was() -> None:
    """A change of the rules may miss no more of its secrets, and take no more of what is none."""
    sums = figures(reported(UNSEEN))
    assert sums.cases >= 200
    assert sums.secrets >= 100
    assert sums.kept >= 300
    assert sums.recall >= LEAST_RECALL
    assert sums.false_alarms <= MOST_FALSE_ALARMS
