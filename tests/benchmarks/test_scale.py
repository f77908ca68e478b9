"""docs/scale.md says what was measured, and what follows from it."""

from __future__ import annotations

import pytest
from _outage import EVENTS_PER_JOB, LONGEST_PAUSE, WINDOW, Costs, Fleet, simulate
from _scale_page import EXAMPLE, PAGE, page
from _scale_results import load

from jobreporter._config.settings import LaneSettings
from jobreporter._lane import backoff

COSTS = Costs(memory=300, data=120, written=350, agent=25e-6)


def test_the_page_is_made_of_the_results() -> None:
    """Every figure comes of docs/scale.json; ``python benchmarks/_scale_page.py`` brings the page in line."""
    text = PAGE.read_text()
    assert text.count("<!-- generated -->") == text.count("<!-- end of generated -->") == 1
    assert page(text, load()) == text


def test_what_the_model_takes_for_given_is_so() -> None:
    """The longest pause and the window are the product's."""
    assert backoff.LONGEST == LONGEST_PAUSE
    assert LaneSettings().capacity == WINDOW


def test_an_outage_is_made_good_as_the_formula_has_it() -> None:
    """What piled up, by what an agent carries beyond what comes."""
    found = simulate(Fleet(), COSTS)
    comes = 1_000 * EVENTS_PER_JOB
    piled_up = comes * (3_600 + LONGEST_PAUSE)
    assert found.waiting == pytest.approx(piled_up, rel=0.001)
    assert found.drain == pytest.approx(LONGEST_PAUSE + piled_up / (1 / COSTS.agent - comes), abs=3)
    assert (found.memory, found.data) == (found.waiting * 300, found.waiting * 120)
    assert found.handled == pytest.approx(found.accepted)
    assert (found.expired, found.duplicates) == (0, WINDOW)


def test_what_is_beyond_the_bound_expires_and_is_counted() -> None:
    """The oldest go, and the ledger is closed: what was accepted was handled or has expired."""
    found = simulate(Fleet(max_bytes=256e6), COSTS)
    assert found.data == pytest.approx(256e6, rel=0.01)
    assert found.expired > 0
    assert found.handled + found.expired == pytest.approx(found.accepted)


def test_an_agent_that_does_not_keep_up_is_refused() -> None:
    """There would be no end to what waits."""
    with pytest.raises(ValueError, match=r"one agent carries 2,000 events a second, and 3,000 come"):
        simulate(Fleet(), COSTS._replace(agent=1 / 2_000))


def test_the_example_is_one_that_an_agent_carries() -> None:
    """The page has a drain time for it."""
    scale = load()
    shape = scale.shapes[EXAMPLE]
    costs = Costs(memory=shape.memory, data=shape.data, written=shape.written, agent=shape.agent)
    assert simulate(Fleet(), costs).drain < 3_600
    assert scale.rehearsal.lost == 0
    assert scale.rehearsal.duplicates <= WINDOW
