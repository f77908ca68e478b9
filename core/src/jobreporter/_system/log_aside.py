"""Logging from a thread that must go on: a job's, or one of the program's own."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial

from jobreporter._system.aside import LOG
from jobreporter._system.last_words import last_words

# Seconds for which the caller waits for its line at most.
PATIENCE = 1.0


def log_aside(
    logger: logging.Logger, level: int, message: str, *args: object, error: BaseException | None = None
) -> None:
    """Have another thread log the line, and wait until it is there: for a second at most, should a handler hang.

    logger, level, message, args: as for ``logger.log``. error: an exception whose traceback belongs to it. Where no
    thread can be started, the line goes to stderr. Raises nothing of its own, but for a message that its arguments don't
    fit, which is a TypeError.
    """
    lines_aside(logger, level, [message % args], PATIENCE, error=error)


def lines_aside(
    logger: logging.Logger, level: int, lines: Sequence[str], timeout: float, *, error: BaseException | None = None
) -> None:
    """The same for several lines, and for ``timeout`` seconds at most."""
    try:
        LOG.do(partial(_log, logger, level, lines, error), timeout)
    except (RuntimeError, MemoryError):
        last_words(lines)


def _log(logger: logging.Logger, level: int, lines: Sequence[str], error: BaseException | None) -> None:
    for line in lines:
        logger.log(level, "%s", line, exc_info=error)
