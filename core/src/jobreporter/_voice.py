"""What one lane tells its operator, through stdlib logging.

Only a lane's own thread speaks, never the pump's and never a job's: a logging handler may hang. Each message says what
happened, what was lost, and what happens next. A reporter that fails on every event gets one line every 30 seconds.
"""

from __future__ import annotations

import logging
import traceback

from jobreporter._capture.containers import is_light
from jobreporter._capture.plain import NARROW, plain
from jobreporter._clock import Clock
from jobreporter.text import one_line

logger = logging.getLogger("jobreporter")

INTERVAL = 30.0
LIMIT = 2_000


def describe(error: BaseException) -> str:
    """The error in a few words that can't raise, with the innermost place that it came from."""
    name = type(error).__name__
    try:
        message = str(error if is_light(error) else plain(error, NARROW))  # all that it is about may take any time
    except BaseException:  # a hostile __str__ must not end the lane's thread
        message = "its message can't be shown"
    place = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        place = f" ({frame.f_code.co_filename}:{line} in {frame.f_code.co_name})"
    return one_line(f"{name}: {message}" if message else name, 500) + place


class Topic:
    """One thing that there may be to say often: at most one line an interval, with how many were left unsaid."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next = -1.0
        self._unsaid = 0

    def due(self) -> str | None:
        """What to add to the line, or ``None`` if it isn't time for one."""
        now = self._clock.monotonic()
        if now < self._next:
            self._unsaid += 1
            return None
        self._next = now + INTERVAL
        unsaid, self._unsaid = self._unsaid, 0
        return f" ({unsaid} more since the last such line)" if unsaid else ""


class Voice:
    """The lane's messages. Each names the reporter."""

    def __init__(self, name: str, clock: Clock) -> None:
        self._name = name
        self._crashes = Topic(clock)
        self._starts = Topic(clock)
        self._drops = Topic(clock)
        self._told_of = 0

    def crashed(self, hook: str, error: BaseException, *, opened: bool) -> None:
        logger.debug("reporter %r crashed in %s", self._name, hook, exc_info=error)
        more = self._crashes.due()
        if more is None:
            return
        follows = "it keeps crashing and is tried again with backoff" if opened else "it is started again"
        self._say(logging.ERROR, f"crashed in {hook}: {describe(error)}; {follows}{more}")

    def did_not_start(self, error: BaseException) -> None:
        logger.debug("reporter %r did not start", self._name, exc_info=error)
        more = self._starts.due()
        if more is not None:
            self._say(logging.ERROR, f"is broken: {describe(error)}; it is tried again with backoff{more}")

    def did_not_stop(self, error: BaseException) -> None:
        self._say(logging.WARNING, f"raised in reporter_stop: {describe(error)}")

    def recovered(self) -> None:
        self._say(logging.INFO, "works again")

    def say(self, message: str) -> None:
        """Something that needs an operator's eyes."""
        self._say(logging.ERROR, message)

    def changed_state(self, hook: str, old: object, new: object) -> None:
        self._say(
            logging.WARNING,
            f"{hook} turned the state from {type(old).__name__} into {type(new).__name__}; what a handler that takes"
            " state returns is the next state",
        )

    def dropped(self, by_kind: dict[str, int]) -> None:
        """Tell of drops for want of room, if there are new ones and it is time."""
        total = sum(by_kind.values())
        if total == self._told_of or self._drops.due() is None:
            return
        kinds = ", ".join(f"{count} {kind}" for kind, count in by_kind.items())
        self._say(logging.WARNING, f"is too slow: {total - self._told_of} more events dropped (in all: {kinds})")
        self._told_of = total

    def _say(self, level: int, message: str) -> None:
        logger.log(level, "reporter %r %s", self._name, one_line(message, LIMIT))
