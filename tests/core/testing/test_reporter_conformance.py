"""The conformance suite refuses what it is there to refuse: each of its kinds of cases fails for a reporter that is naughty."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jobreporter.testing import ReporterConformance, _waiting
from jobreporter.testing._reporter import _base, _crashes

from . import naughty

KEEP = "no crash: raise TryAgain, and keep the batch"
FREE = "reporter_stop has to free what reporter_start takes"
STATE = "test_it_leaves_its_host_as_it_was"
LOG = "The log has what its hooks raised."

#: Which reporter fails which case, and in which words.
NAUGHTY = [
    (naughty.Naive, "test_it_takes_every_event_and_changes_none", LOG),
    (naughty.Orderly, "test_it_bears_what_is_missing", LOG),
    (naughty.Orderly, "test_it_bears_repeats", LOG),
    (naughty.Deaf, "test_it_takes_every_event_and_changes_none", "it reacts to none of them: has it a hook"),
    (naughty.Sender, "test_it_sends_again_what_was_answered_503", KEEP),
    (naughty.Sender, "test_it_waits_when_it_is_asked_to", KEEP),
    (naughty.Sender, "test_it_sends_again_after_a_connection_broke", KEEP),
    (naughty.Sender, "test_it_outlives_an_outage", KEEP),
    (naughty.Sender, "test_it_follows_no_redirect", "it was led to another host, with GET /"),
    (naughty.Busy, "test_it_leaves_nothing_behind", "the end of its threads: not within 1 s\nstill there: busy"),
    (naughty.Once, "test_it_starts_again_after_a_crash", FREE),
    (naughty.Once, "test_it_starts_again_in_the_same_process", "not flushed within 1 s, it is broken: reporter"),
    (naughty.Coroner, "test_an_error_that_nobody_catches_is_the_programs_own", "it changes how its program ends"),
    (naughty.Spy, "test_it_shows_no_secret", "what was secret in a job is in its log: take arguments"),
]

#: And in which words, of those that keep their batches as they should.
IN_WORDS = [
    (naughty.Doubler, "test_it_sends_again_what_was_answered_503", "taken it 3 times, and 1 times where there was no"),
    (
        naughty.Sprayer,
        "test_it_sends_again_only_what_was_not_taken",
        "taken one 2 times and one 1 times, where the second",
    ),
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
    for module in (_base, _crashes, _waiting):
        monkeypatch.setattr(module, "PATIENCE", 1.0)


@pytest.mark.parametrize(
    ("reporter", "case", "words"), NAUGHTY, ids=[f"{each.__name__}-{case}" for each, case, _ in NAUGHTY]
)
def test_a_naughty_reporter_is_refused(
    reporter: type, case: str, words: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """The case that it offends against fails, with what its author has to know."""
    with case_of(reporter) as suite:
        act = getattr(suite, case)
        act = partial(act, caplog, capfd) if "secret" in case else act
        with pytest.raises(AssertionError) as complaint:
            act()
    assert words in str(complaint.value)


#: What a module does when it is imported, which case it fails with that, and in which words.
AT_IMPORT = [
    ("socket.create_server(('127.0.0.1', 0)).close()", STATE, 'only define things, and did this: ["socket.bind'),
    ("threading.Thread(target=time.sleep, args=(9,), daemon=True, name='early').start()", STATE, "this: ['early']"),
    ("time.sleep(0.001)", STATE, "and did this: ['time.sleep 0.001 s']"),
    ("sum(range(20_000_000))", STATE, "s of the processor"),
    ("signal.signal(15, lambda *_: os._exit(3))", "test_a_killed_process_dies_of_the_signal", "3 in place of -15"),
    ("signal.signal(15, lambda *_: os._exit(3))", "test_the_programs_own_handler_is_asked", "3 in place of 7"),
]


@pytest.mark.parametrize(("at_import", "case", "words"), AT_IMPORT)
def test_an_import_that_does_more_than_define_is_refused(
    at_import: str, case: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network, threads, sleep, the time that it takes, and what belongs to the process."""
    lines = ["import os, signal, socket, threading, time", "import jobreporter", at_import]
    (tmp_path / "eager.py").write_text("\n".join([*lines, "@jobreporter.hookimpl\ndef handle_failure(): ...\n"]))
    monkeypatch.syspath_prepend(tmp_path)

    class Suite(ReporterConformance):
        reporter = "eager:"
        import_seconds = 0.1

    suite = Suite()
    suite.setup_method()
    try:
        with pytest.raises(AssertionError) as complaint:
            getattr(suite, case)()
    finally:
        suite.teardown_method()
    assert words in str(complaint.value)


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
