"""Starting one reporter for real, alone, and sending a test failure through it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec

from jobreporter._capture.secrets import REDACTED
from jobreporter._clock import SYSTEM
from jobreporter._config.records import Config, ReporterConfig
from jobreporter._dispatcher import Dispatcher
from jobreporter._plugins.plugin import Plugin
from jobreporter._recipe import Recipe
from jobreporter._settings import When
from jobreporter._setup import Setup
from jobreporter.error_info import ErrorInfo
from jobreporter.errors import JobReporterError
from jobreporter.options import Secret

#: What the job of the test failure is called. Whoever gets it should see that nothing happened.
JOB = "jobreporter.check"
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
    logger.addFilter(collect)
    try:
        yield found
    finally:
        logger.removeFilter(collect)


def try_out(plugin: Plugin, reporter: ReporterConfig, config: Config, *, send: bool) -> Trial:
    """Start the reporter, with ``send`` hand it a failed execution, flush it and stop it.

    Its ``when`` doesn't count: a test that is filtered tests nothing.
    """
    recipe = Recipe(msgspec.structs.replace(reporter, when=When()), lambda: plugin)
    dispatcher = Dispatcher._with(Setup(config, (recipe,)), SYSTEM)
    patience = reporter.lane.timeout + _MARGIN
    began = time.monotonic()
    with complaints() as problems:
        dispatcher.start()
        if send:
            _send(dispatcher)
        done = dispatcher.close(patience)
    if not done and not problems:
        problems.append(f"not done within {patience:g} s")
    secrets = _secrets_of(recipe)
    return Trial([_without(secrets, problem) for problem in problems], time.monotonic() - began)


def _send(dispatcher: Dispatcher) -> None:
    execution = dispatcher.begin(JOB, source="jobreporter")
    execution.fail(TEST_FAILURE, will_retry=False)
    execution.tag(test="jobreporter check --send")
    execution.stop()


def _secrets_of(recipe: Recipe) -> list[str]:
    """The secrets that the reporter was given: what it raises may quote them."""
    try:
        options = recipe.prepare().options
    except JobReporterError:
        return []
    return [secret for secret in _revealed(options) if secret]


def _revealed(value: Any) -> Iterator[str]:
    if isinstance(value, Secret):
        yield value.reveal()
    elif isinstance(value, msgspec.Struct):
        yield from _revealed(msgspec.structs.astuple(value))
    elif isinstance(value, dict):
        yield from _revealed(list(value.values()))
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _revealed(item)


def _without(secrets: list[str], text: str) -> str:
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    return text
