"""What Apprise and the libraries below it log: kept from the log where it has a part of a URL in it, and heard."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Hides(Protocol):
    """Takes out of texts what must not be shown."""

    def hidden(self, text: str) -> str:
        """The text without it."""
        ...


#: Who logs while something is sent. A filter counts for what is logged at its own logger alone, so each gets one.
LOGGERS = (
    "apprise",
    "urllib3.connectionpool",
    "urllib3.connection",
    "urllib3.util.retry",
    "requests",
    "requests_oauthlib",
)

_CHANGING = threading.Lock()


class _Listener(logging.Filter):
    """Takes what the sending thread logs, and passes everybody else's with the parts of the URL taken out."""

    def __init__(self, secrets: Hides) -> None:
        super().__init__()
        self._secrets = secrets
        self._thread = threading.get_ident()
        self.said: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        hidden = self._secrets.hidden(text)
        if record.thread == self._thread:
            if record.levelno >= logging.WARNING:
                self.said.append(hidden)
            return False
        if hidden != text:
            record.msg, record.args, record.exc_info, record.exc_text = hidden, None, None, None
        return True


@contextmanager
def listening(secrets: Hides) -> Iterator[list[str]]:
    """Within the block, nothing of the URL gets into a log. Returns what this thread was warned of."""
    listener = _Listener(secrets)
    loggers = [logging.getLogger(name) for name in LOGGERS]
    # In lists of their own each time: another thread may be going through the filters, and would pass over one.
    with _CHANGING:
        for logger in loggers:
            logger.filters = [*logger.filters, listener]
    try:
        yield listener.said
    finally:
        with _CHANGING:
            for logger in loggers:
                logger.filters = [each for each in logger.filters if each is not listener]
