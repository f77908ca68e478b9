"""The conformance suite refuses what it is there to refuse: each of its kinds of cases fails for a reporter that is naughty."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
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
    (naughty.Once, "test_it_starts_again_after_a_crash"),
    (naughty.Once, "test_it_starts_again_in_the_same_process"),
]

#: And in which words, of those that keep their batches as they should.
IN_WORDS = [
    (naughty.Doubler, "test_it_sends_again_what_was_answered_503", "taken it 3 times, and 1 times where there was no"),
    (naughty.Gossip, "test_it_keeps_the_secrets_of_its_config", "the option 'key' in its log"),
    (naughty.Tardy, "test_it_has_sent_what_it_has_flushed", "it was sent only after the flush"),
    (naughty.Sleepy, "test_it_leaves_its_host_as_it_was", "it sleeps where its next event waits: ['0.001 s']"),
    (naughty.Parental, "test_it_works_after_a_fork", "in a forked child: LookupError: this is somebody else's"),
    (naughty.Loud, "test_it_leaves_its_host_as_it_was", "it prints to stderr: log with"),
    (naughty.Meddler, "test_it_leaves_its_host_as_it_was", "'MEDDLED': '1'"),
    (naughty.Printer, "test_it_leaves_its_host_as_it_was", "it prints to stdout: log with"),
    (naughty.Proxied, "test_it_leaves_its_host_as_it_was", "opener of urllib: None before"),
    (naughty.Hasty, "test_it_leaves_its_host_as_it_was", "default timeout of sockets: None before, 2.0 now"),
]


@contextmanager
def case_of(reporter: type, **attributes: Any) -> Iterator[ReporterConformance]:
    """The suite of a reporter, ready for one case."""
    sends = issubclass(reporter, naughty.Sender | naughty.Keeper)
    name = f"{reporter.__module__}:{reporter.__qualname__}"

    class Suite(ReporterConformance):
        def options(self) -> dict[str, Any]:
            key = {"key": "k-canary-of-the-config"} if issubclass(reporter, naughty.Keeper) else {}
            return {"url": self.stand_in.url, **key} if sends else {}

    Suite.reporter = name
    suite = Suite()
    suite.setup_method()
    try:
        yield suite
    finally:
        suite.teardown_method()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What never comes is not waited for for long; and other processes find the reporters, too."""
    monkeypatch.syspath_prepend(Path(__file__).parents[3])
    naughty.Once.lives = 0
    for module in (_base, _crashes, _leftovers, _waiting):
        monkeypatch.setattr(module, "PATIENCE", 1.0)


@pytest.mark.parametrize(("reporter", "case"), NAUGHTY, ids=[f"{each.__name__}-{case}" for each, case in NAUGHTY])
def test_a_naughty_reporter_is_refused(reporter: type, case: str) -> None:
    """The case that it offends against fails."""
    with case_of(reporter) as suite, pytest.raises(AssertionError):
        getattr(suite, case)()


@pytest.mark.parametrize(("reporter", "case", "words"), IN_WORDS, ids=[reporter.__name__ for reporter, *_ in IN_WORDS])
def test_it_is_told_what_it_does_wrong(
    reporter: type, case: str, words: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """In a sentence; and one that is like it but for that passes the case."""
    for each in (reporter, naughty.Keeper):
        with case_of(each) as suite:
            act = getattr(suite, case)
            act = partial(act, caplog, capfd) if "secrets" in case else act
            if each is naughty.Keeper:
                caplog.clear()
                act()
            else:
                with pytest.raises(AssertionError) as complaint:
                    act()
                assert words in str(complaint.value)


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
