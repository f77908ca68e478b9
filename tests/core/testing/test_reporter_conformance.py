"""The conformance suite refuses what it is there to refuse: each of its kinds of cases fails for a reporter that is naughty."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from jobreporter.testing import ReporterConformance, _waiting
from jobreporter.testing._reporter import _base, _crashes, _leftovers

from . import naughty

#: Which reporter fails which case.
NAUGHTY = [
    (naughty.Naive, "test_it_takes_every_event_and_changes_none"),
    (naughty.Orderly, "test_it_bears_what_is_missing"),
    (naughty.Orderly, "test_it_bears_repeats"),
    (naughty.Deaf, "test_it_takes_every_event_and_changes_none"),
    (naughty.Sender, "test_it_sends_again_what_was_answered_503"),
    (naughty.Sender, "test_it_waits_when_it_is_asked_to"),
    (naughty.Sender, "test_it_sends_again_after_a_connection_broke"),
    (naughty.Sender, "test_it_outlives_an_outage"),
    (naughty.Sender, "test_it_follows_no_redirect"),
    (naughty.Busy, "test_it_leaves_nothing_behind"),
    (naughty.Meddler, "test_it_leaves_its_host_as_it_was"),
    (naughty.Printer, "test_it_leaves_its_host_as_it_was"),
    (naughty.Once, "test_it_starts_again_after_a_crash"),
    (naughty.Once, "test_it_starts_again_in_the_same_process"),
]


@contextmanager
def case_of(reporter: type, **attributes: Any) -> Iterator[ReporterConformance]:
    """The suite of a reporter, ready for one case."""
    options = {"url": ""} if reporter is naughty.Sender else {}
    name = f"{reporter.__module__}:{reporter.__qualname__}"

    class Suite(ReporterConformance):
        def options(self) -> dict[str, Any]:
            return dict.fromkeys(options, self.stand_in.url)

    Suite.reporter = name
    suite = Suite()
    suite.setup_method()
    try:
        yield suite
    finally:
        suite.teardown_method()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What never comes is not waited for for long."""
    naughty.Once.lives = 0
    for module in (_base, _crashes, _leftovers, _waiting):
        monkeypatch.setattr(module, "PATIENCE", 1.0)


@pytest.mark.parametrize(("reporter", "case"), NAUGHTY, ids=[f"{each.__name__}-{case}" for each, case in NAUGHTY])
def test_a_naughty_reporter_is_refused(reporter: type, case: str) -> None:
    """The case that it offends against fails."""
    with case_of(reporter) as suite, pytest.raises(AssertionError):
        getattr(suite, case)()


def test_a_case_that_is_not_provided_has_a_name() -> None:
    """It isn't collected; and a name that no case has is a mistake."""

    class Without(ReporterConformance):
        not_provided = {"test_it_follows_no_redirect": "its vendor moves"}  # noqa: RUF012 - as its users write it

    assert Without.test_it_follows_no_redirect is None
    with pytest.raises(TypeError, match="there is no case 'test_it_flies'"):
        type("Wrong", (ReporterConformance,), {"not_provided": {"test_it_flies": "it can't"}})


def test_a_reporter_that_is_none_is_told() -> None:
    """A name that no entry point has is one sentence with those that there are."""

    class Unknown(ReporterConformance):
        reporter = "lgo"

    with pytest.raises(LookupError, match=r"no reporter 'lgo' is installed, but .*log"):
        _ = Unknown().target
