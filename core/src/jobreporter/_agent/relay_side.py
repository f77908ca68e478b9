"""One of the two streams that a relay talks to: opened when it is needed, and left alone for a while when it fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jobreporter._lane.backoff import Backoff
from jobreporter._lane.operator_log import Throttle
from jobreporter._lane.wording import describe
from jobreporter._stream.reopenable import REFUSED_FOR
from jobreporter._system.clock import Clock
from jobreporter.errors import JobReporterError
from jobreporter.streams import Stream, StreamRefused

logger = logging.getLogger("jobreporter")


class Away(Exception):  # noqa: N818 - it names a state
    """The call failed. That is told, and the next try has its time."""


class Side:
    """For one thread. what: how the log calls it, such as ``relay 'central': its target``."""

    def __init__(self, what: str, opener: Callable[[], Stream], clock: Clock) -> None:
        self._what = what
        self._opener = opener
        self._clock = clock
        self._backoff = Backoff(clock)
        self._throttle = Throttle(clock)
        self._opened: Stream | None = None
        self._next = clock.monotonic()
        #: Why it can't be used; ``None`` while it can.
        self.trouble: str | None = None

    @property
    def is_due(self) -> bool:
        """Whether it may be asked now."""
        return self._clock.monotonic() >= self._next

    @contextmanager
    def talking(self) -> Iterator[Stream]:
        """The stream, for one call or some that belong together. Raises Away for whatever it raises."""
        try:
            if self._opened is None:
                self._opened = self._opener()
            yield self._opened
        except Away:
            raise
        except Exception as error:  # an engine's own fault must not end the thread either
            self.failed(error)
            raise Away from error

    def failed(self, error: Exception) -> None:
        """Leave it alone for a while, and say so."""
        # What an operator is told in a sentence is one, and needs no name of a class.
        self.trouble = str(error) if isinstance(error, JobReporterError) else describe(error)
        refused = isinstance(error, StreamRefused)
        if refused:
            self.close()  # it may be a password that was changed since: the next try is with what the config says by then
        self._next = self._backoff.failed(REFUSED_FOR if refused else 0.0)
        if (more := self._throttle.due()) is not None:
            wait = self._next - self._clock.monotonic()
            logger.warning(
                "%s: %s; it is tried again in %.3g s, and events wait%s", self._what, self.trouble, wait, more
            )

    def works(self) -> None:
        """All that there was to do went well."""
        if self.trouble is not None:
            self.trouble = None
            self._backoff.succeeded()
            logger.info("%s works again", self._what)

    def close(self) -> None:
        """Let go of it."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()
