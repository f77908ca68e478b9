"""What one lane tells its operator, through stdlib logging.

Only a lane's own thread logs, never the pump's and never a job's: a logging handler may hang. Each message says what
happened, what was lost, and what happens next. A reporter that fails on every event gets one line every 30 seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from jobreporter._capture.own_words import OwnWords, hide_secrets_in
from jobreporter._lane.wishes import reason_for
from jobreporter._lane.wording import describe
from jobreporter._system.clock import Clock
from jobreporter.text import one_line

logger = logging.getLogger("jobreporter")

INTERVAL = 30.0
LIMIT = 2_000


class Throttle:
    """One thing that there may be to say often: at most one line an interval, with how many were left unsaid."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next = -1.0
        self._unsaid = 0

    def due(self) -> str | None:
        """What to add to the line, or ``None`` if it isn't time for one."""
        more = self.more()
        if more is not None:
            self.said()
        return more

    def more(self) -> str | None:
        """The same for who may be interrupted before the line is out: it stays due until `said` is called."""
        if self._clock.monotonic() < self._next:
            self._unsaid += 1
            return None
        return f" ({self._unsaid} more since the last such line)" if self._unsaid else ""

    def said(self) -> None:
        """The line is out."""
        self._next = self._clock.monotonic() + INTERVAL
        self._unsaid = 0


class OperatorLog:
    """The lane's messages. Each names the reporter."""

    def __init__(self, name: str, clock: Clock) -> None:
        self._name = name
        self._words = OwnWords()
        self._crashes = Throttle(clock)
        self._starts = Throttle(clock)
        self._drops = Throttle(clock)
        self._pauses = Throttle(clock)
        self._refusals = Throttle(clock)
        self._told_of = 0

    def learn(self, plugin: str, options: object) -> None:
        """Say nothing from now on that is secret in these options, nor let the reporter's own logger do so."""
        self._words.learn(options)
        hide_secrets_in(logger.name, self._words)
        if plugin.isidentifier():
            hide_secrets_in(f"{logger.name}.{plugin}", self._words)

    def describe(self, error: BaseException) -> str:
        """The error in a few words, without what is secret in the reporter's options."""
        return describe(error, self._words)

    def crashed(self, hook: str, error: BaseException, lost: int, *, opened: bool) -> None:
        logger.debug("reporter %r crashed in %s", self._name, hook, exc_info=error)
        more = self._crashes.due()
        if more is None:
            return
        follows = "it keeps crashing and is tried again with backoff" if opened else "it is started again"
        kept = f"{lost} events that it had taken and not flushed are lost; " if lost else ""
        self._say(logging.ERROR, f"crashed in {hook}: {self.describe(error)}; {kept}{follows}{more}")

    def put_off(self, hook: str, error: BaseException, seconds: float) -> None:
        more = self._pauses.due()
        if more is not None:
            why = reason_for(error)
            reason = "" if why is error else f" ({self.describe(why)})"
            self._say(
                logging.WARNING,
                f"can't do {hook} just now{reason}: it is called again in {seconds:.3g} s, and its events wait{more}",
            )

    def undeliverable(self, hook: str, error: BaseException) -> None:
        more = self._refusals.due()
        if more is not None:
            self._say(logging.ERROR, f"can't deliver an event, as {hook} says: {self.describe(error)}{more}")

    def did_not_flush(self, error: BaseException) -> None:
        self._say(logging.WARNING, f"raised in the flush before it was stopped: {self.describe(error)}")

    def did_not_start(self, error: BaseException, *, known: Callable[[], bool]) -> None:
        """known: whether the worker has said so when it started, or another process that it has forked; asked if it is time."""
        logger.debug("reporter %r did not start", self._name, exc_info=error)
        more = self._starts.due()
        if more is not None and not known():
            self._say(logging.ERROR, f"is broken: {self.describe(error)}; it is tried again with backoff{more}")

    def did_not_stop(self, error: BaseException) -> None:
        self._say(logging.WARNING, f"raised in reporter_stop: {self.describe(error)}")

    def recovered(self) -> None:
        self._say(logging.INFO, "works again")

    def say(self, message: str) -> None:
        """Something that needs an operator's eyes."""
        self._say(logging.ERROR, self._words.text(message))

    def changed_state(self, hook: str, old: object, new: object) -> None:
        self._say(
            logging.WARNING,
            f"{hook} turned the state from {type(old).__name__} into {type(new).__name__}; what a handler that takes"
            " state returns is the next state",
        )

    def dropped(self, by_kind: Mapping[str, int]) -> None:
        """Tell of drops for want of room, if there are new ones and it is time."""
        total = sum(by_kind.values())
        if total == self._told_of or self._drops.due() is None:
            return
        kinds = ", ".join(f"{count} {kind}" for kind, count in by_kind.items())
        self._say(logging.WARNING, f"is too slow: {total - self._told_of} more events dropped (in all: {kinds})")
        self._told_of = total

    def _say(self, level: int, message: str) -> None:
        logger.log(level, "reporter %r %s", self._name, one_line(message, LIMIT))
