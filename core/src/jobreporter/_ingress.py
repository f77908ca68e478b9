"""Where published events wait for the pump: the only part of jobreporter that a job's own thread runs through."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NamedTuple

from jobreporter._bell import Bell
from jobreporter._capture.raw_error import RawError
from jobreporter._clock import Clock
from jobreporter.events import Event, Failure, Stopped

#: Items that may wait for the pump. A tight publisher starves the pump of the interpreter's lock, so this is reached.
LIMIT = 100_000

# How much room the running thread has in any ingress. On a lane it is none, which keeps what a reporter publishes from
# coming back to it as an event; asking once answers both questions, and costs less than asking which thread this is.
_room: ContextVar[int] = ContextVar("jobreporter_room", default=LIMIT)


def keep_out() -> None:
    """From here on, what this thread publishes is an echo: counted, and not delivered."""
    _room.set(0)


def on_lane() -> bool:
    """Whether this code runs on a thread of jobreporter's own."""
    return _room.get() == 0


class UnfinishedFailure(NamedTuple):
    """A failure whose error is still in the form that was quick to capture.

    fields: those of `Failure`, where ``error`` is a `RawError` or complete already.
    """

    fields: dict[str, Any]

    def complete(self) -> Failure:
        """The failure, its error with names and lines of source; this takes time and is the pump's to do."""
        error = self.fields["error"]
        if isinstance(error, RawError):
            error = error.complete()
        return Failure(**{**self.fields, "error": error})


class Ending(NamedTuple):
    """An execution's outcome and its ``Stopped``, appended as one so that nothing can come between them.

    seal: empty until the pump has seen the execution's first ending, and the same list for every repeat.
    """

    seal: list[None]
    outcome: Event | UnfinishedFailure
    stopped: Stopped


Item = Event | Ending


def events_in(item: object) -> int:
    return 2 if type(item) is Ending else 1


class Tally:
    """A counter that any number of threads may add to without a lock.

    ``d[k] += 1`` loses most of what eight threads add; `next` on a count loses nothing.
    """

    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count = itertools.count()

    def add(self, number: int) -> None:
        for _ in range(number):
            next(self._count)

    @property
    def total(self) -> int:
        # "count(5)": the one way to look at a count that does not move it on.
        return int(repr(self._count)[len("count(") : -1])


class Ingress:
    """A bounded room that publishers append to and the pump takes from. Nothing on the way in acquires anything."""

    __slots__ = ("_wake", "asleep", "bell", "echoed", "items", "overflowed", "publish")

    def __init__(self, wake: Callable[[], None], clock: Clock) -> None:
        self._wake = wake
        self.items: deque[Any] = deque()
        #: Whether the pump sleeps, or does not run yet: then a publisher wakes it.
        self.asleep = True
        self.bell = Bell(clock)
        self.overflowed = Tally()
        self.echoed = Tally()
        #: Append an event or an `Ending`.
        self.publish = self._publisher()

    def _publisher(self) -> Callable[[Item], None]:
        # A closure over what it needs is a third quicker than a method that looks it up, and this runs in every job.
        items, append, room, refuse = self.items, self.items.append, _room.get, self._refuse
        silent, wake = self.bell.silent, self._wake

        def publish(item: Item) -> None:
            if len(items) < room():
                append(item)
            else:
                refuse(item)
            if self.asleep and silent():
                wake()

        return publish

    def _refuse(self, item: Item) -> None:
        tally = self.echoed if on_lane() else self.overflowed
        tally.add(events_in(item))

    @property
    def waiting(self) -> int:
        """How many events wait."""
        return sum(map(events_in, list(self.items)))

    def sweep(self) -> int:
        """Remove what waits, and tell how many events that was."""
        swept = 0
        while True:
            try:
                swept += events_in(self.items.popleft())
            except IndexError:
                return swept

    def forget(self) -> None:
        """Start anew in a forked child, in place: code may hold on to ``publish``, or be in the middle of it."""
        self.items.clear()
        self.asleep = True
        self.bell.renew()
        self.overflowed = Tally()
        self.echoed = Tally()
