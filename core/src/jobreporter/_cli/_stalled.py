"""Going on though nobody reads what this process writes: its stderr may be a pipe that is full."""

from __future__ import annotations

import logging
import os
import resource
import signal
import sys
from functools import partial
from typing import NoReturn

import click

from jobreporter._system.aside import LOG
from jobreporter._system.last_words import last_words

# Seconds for which anybody waits for a stream.
PATIENCE = 1.0


def say(text: str) -> None:
    """Write a text to stderr, and wait for a moment at most until that is done."""
    try:
        LOG.do(partial(click.echo, text, err=True), PATIENCE)
    except (RuntimeError, MemoryError):  # there is no thread to be had
        last_words([text])


def leave(code: int, ended_by: int | None = None) -> NoReturn:
    """End the process with this exit code, in the ordinary way unless that would wait for a stream for ever.

    ended_by: a signal to die of instead. A shell goes on with its script after a Ctrl-C that only gave an exit code, and
    systemd takes that code for a failure. The first process of a container can't die of one.
    """
    try:
        flushed = LOG.do(_flush, PATIENCE)
    except (RuntimeError, MemoryError):
        flushed = True
    if ended_by is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        signal.signal(ended_by, signal.SIG_DFL)
        os.kill(os.getpid(), ended_by)
    if not flushed:
        os._exit(code)
    sys.exit(code)


def _flush() -> None:
    """What the interpreter's exit does to streams."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
