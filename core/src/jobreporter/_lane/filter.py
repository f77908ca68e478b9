"""The filter of a lane: which events reach its reporter, as ``[reporters.NAME.when]`` says."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterable
from fnmatch import translate
from typing import TypeAlias

from jobreporter._config.settings import When
from jobreporter.events import KINDS, Event, EventKind, Failure

Test: TypeAlias = Callable[[Event], bool]


class Filter:
    """Says of each event whether it passes. Made by `of`, used by one thread at a time.

    Ask it only of events that the reporter has a hook for: an event that passes is counted against
    ``max_per_minute``.
    """

    __slots__ = ("_keys", "_tests")

    def __init__(self, tests: Iterable[tuple[str, Test]]) -> None:
        self._keys, self._tests = zip(*tests, strict=True)

    @classmethod
    def of(cls, when: When, clock: Callable[[], float] = time.monotonic) -> Filter | None:
        """The filter that a config asks for, or ``None`` where everything passes.

        ``clock`` tells seconds, and never goes back.
        """
        tests = tuple(_tests(when, clock))
        return cls(tests) if tests else None

    def passes(self, event: Event) -> bool:
        """Whether the reporter wants ``event``."""
        for test in self._tests:  # noqa: SIM110 - the generator in all(...) costs more than the tests
            if not test(event):
                return False
        return True

    def kept_back_by(self, event: Event) -> str | None:
        """The key of ``when`` that keeps ``event`` back, for who wants to know; ``None`` if it passes."""
        return next((key for key, test in zip(self._keys, self._tests, strict=True) if not test(event)), None)


def _tests(when: When, clock: Callable[[], float]) -> Iterable[tuple[str, Test]]:
    """What there is to ask, with the key that asks for it: the cheapest first and the limit last, because only what passes all else counts there."""
    if when.events is not None:
        yield "events", _of_kind(when.events)
    if when.attempts == "first":
        yield "attempts", lambda event: not isinstance(event, Failure) or event.job.attempt == 1
    elif when.attempts == "final":
        yield "attempts", lambda event: not isinstance(event, Failure) or event.final
    if when.queues:
        in_queue = _glob(when.queues)
        yield "queues", lambda event: in_queue(event.job.queue)
    if when.jobs:
        named = _glob(when.jobs)
        yield "jobs", lambda event: named(event.job.name)
    if when.ignore:
        yield "ignore", lambda event: not (isinstance(event, Failure) and event.error.matches(*when.ignore))
    if when.max_per_minute is not None:
        yield "max_per_minute", _at_most(when.max_per_minute, clock)


def _of_kind(names: Iterable[EventKind]) -> Test:
    kinds = frozenset(KINDS[name] for name in names)
    return lambda event: type(event) in kinds


def _glob(patterns: Iterable[str]) -> Callable[[str | None], bool]:
    """Whether a name is wanted: any of the plain globs, if there are some, and none of those with a leading ``!``.

    Case matters. No name at all, such as the queue of a job that has none, matches no glob.
    """
    patterns = tuple(patterns)
    wanted = _any_of(pattern for pattern in patterns if not pattern.startswith("!"))
    unwanted = _any_of(pattern[1:] for pattern in patterns if pattern.startswith("!"))

    def matches(name: str | None) -> bool:
        if name is None:
            return wanted is None
        return (wanted is None or wanted(name) is not None) and (unwanted is None or unwanted(name) is None)

    return matches


def _any_of(globs: Iterable[str]) -> Callable[[str], re.Match[str] | None] | None:
    text = "|".join(map(translate, globs))
    return re.compile(text).match if text else None


def _at_most(limit: int, clock: Callable[[], float]) -> Test:
    """At most ``limit`` events in any 60 seconds, exactly: it remembers when each of the last minute's events passed.

    A bucket that refills would let twice as many through in the minute after a quiet one.
    """
    passed: deque[float] = deque()

    def has_room(event: Event) -> bool:
        now = clock()
        while passed and now - passed[0] >= 60.0:
            passed.popleft()
        if len(passed) >= limit:
            return False
        passed.append(now)
        return True

    return has_room
