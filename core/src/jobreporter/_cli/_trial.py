"""Starting one reporter for real, alone, and sending test events through it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import msgspec

from jobreporter._capture.own_words import OwnWords
from jobreporter._config.records import Config, ReporterConfig
from jobreporter._config.settings import When
from jobreporter._dispatch.dispatcher import Dispatcher
from jobreporter._dispatch.wiring import Wiring
from jobreporter._plugins.factory import ReporterFactory
from jobreporter._plugins.plugin import Plugin
from jobreporter._system.clock import SYSTEM
from jobreporter.error_info import ErrorInfo
from jobreporter.errors import JobReporterError
from jobreporter.events import EventKind

#: What the job of the test events is called. Whoever gets them should see that nothing happened: the shipped alerts
#: leave it out, and every outcome has a tag that says what it is.
JOB = "jobreporter.check"
TAGS = {"test": "jobreporter check --send"}
TEST_FAILURE = ErrorInfo(
    type="jobreporter.TestFailure",
    message="a test failure, sent by jobreporter check --send: nothing is wrong",
    mro=("jobreporter.TestFailure", "builtins.Exception", "builtins.BaseException", "builtins.object"),
)

# Seconds beyond a reporter's own timeout: by then it is known to hang.
_MARGIN = 2.0


class Trial(NamedTuple):
    """How it went. Without problems the reporter works."""

    problems: list[str]
    #: How long it took, from the start until the reporter had stopped.
    seconds: float


@contextmanager
def complaints() -> Iterator[list[str]]:
    """What jobreporter itself warns of meanwhile, kept from the log. What reporters log passes."""
    found: list[str] = []

    def collect(record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING:
            found.append(record.getMessage())
        return False

    logger = logging.getLogger("jobreporter")
    # An application that was imported may have silenced it, as logging's own config does with each logger that is there.
    silenced = logger.disabled, logger.level, logging.root.manager.disable
    logger.disabled = False
    logging.disable(logging.NOTSET)
    if not logger.isEnabledFor(logging.WARNING):
        logger.setLevel(logging.WARNING)
    logger.addFilter(collect)
    try:
        yield found
    finally:
        logger.removeFilter(collect)
        logger.disabled, level, disabled = silenced
        logger.setLevel(level)
        logging.disable(disabled)


def try_out(plugin: Plugin, reporter: ReporterConfig, config: Config, *, send: Sequence[EventKind]) -> Trial:
    """Start the reporter, hand it the kinds of events in ``send``, flush it and stop it.

    Its own ``when`` doesn't count: a test that is filtered tests nothing.
    """
    wanted = When(events=tuple(send))
    factory = ReporterFactory(msgspec.structs.replace(reporter, when=wanted), lambda: plugin)
    dispatcher = Dispatcher._with(Wiring(config, (factory,)), SYSTEM)
    patience = reporter.lane.timeout + _MARGIN
    began = time.monotonic()
    with complaints() as problems:
        dispatcher.start()
        if send:
            _send(dispatcher, send)
        done = dispatcher.close(patience)
    if not done and not problems:
        problems.append(f"not done within {patience:g} s")
    words = _words_about(factory)
    about = f"reporter {reporter.name!r} "
    told = [words.text(problem.removeprefix(about)) for problem in problems]
    return Trial(told, time.monotonic() - began)


def _send(dispatcher: Dispatcher, kinds: Sequence[EventKind]) -> None:
    """An execution for each outcome that is asked for; what is only to start or to stop succeeds."""
    outcomes = [kind for kind in kinds if kind in ("success", "aborted", "failure")]
    for outcome in outcomes or ["success"]:
        execution = dispatcher.begin(JOB, source="jobreporter", extra=dict(TAGS))
        match outcome:
            case "failure":
                execution.fail(TEST_FAILURE, will_retry=False)
            case "aborted":
                execution.abort("skipped", will_retry=False)
            case _:
                execution.succeed()
        execution.tag(**TAGS)
        execution.stop()


def _words_about(factory: ReporterFactory) -> OwnWords:
    """What hides the secrets that the reporter was given: what it raises may quote them."""
    words = OwnWords()
    try:
        words.learn(factory.prepare().options)
    except JobReporterError:
        pass  # and so it was given none
    return words
