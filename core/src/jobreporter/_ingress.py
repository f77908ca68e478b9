"""Where published events wait for the pump: the only part of jobreporter that a job's own thread runs through."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NamedTuple

import msgspec

from jobreporter._bell import Bell
from jobreporter._capture.raw_error import RawError
from jobreporter._clock import Clock
from jobreporter.events import EVENTS, Event, Failure, Stopped

#: Items that may wait for the pump. A tight publisher starves the pump of the interpreter's lock, so this is reached.
LIMIT = 100_000

# How much room the running thread has in any ingress. On a lane it is none, which keeps what a reporter publishes from
# coming back to it as an event; asking once answers both questions, and costs less than asking which thread this is.
_room: ContextVar[int] = ContextVar("jobreporter_room", default=LIMIT)


# Why nobody is about to take what comes. While the pump sleeps, one publisher takes this away and wakes it; that no pump
# runs is nothing that a publisher can take away.
SLEEPS = "the pump sleeps"
NOBODY = "no pump runs"


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


class Ending(msgspec.Struct, frozen=True, gc=False):
    """An execution's outcome and its ``Stopped``, appended as one so that nothing can come between them.

    seal: empty until the pump has seen the execution's first ending, and the same list for every repeat.
    """

    seal: list[None]
    outcome: Event | UnfinishedFailure
    stopped: Stopped


Item = Event | Ending

_KINDS: dict[type, str] = {kind: kind.__name__.lower() for kind in EVENTS} | {UnfinishedFailure: "failure"}


def kinds_in(item: object) -> list[str]:
    """The kind of an event, or the two of an `Ending`; what is neither is of no known kind."""
    events = (item.outcome, item.stopped) if isinstance(item, Ending) else (item,)
    return [_KINDS.get(type(event), "unknown") for event in events]


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


class KindTally:
    """Counts events by kind. Any number of threads may add without a lock."""

    def __init__(self) -> None:
        self._tallies = {kind: Tally() for kind in (*_KINDS.values(), "unknown")}
        # Kept here, since a finalizer may publish so late in the interpreter's exit that a module's names are gone.
        self._ending, self._kinds = Ending, _KINDS

    def add(self, item: object) -> None:
        """Count an event, or the two of an `Ending`; what is neither is of no known kind."""
        for event in (item.outcome, item.stopped) if isinstance(item, self._ending) else (item,):
            self._tallies[self._kinds.get(type(event), "unknown")].add(1)

    @property
    def by_kind(self) -> dict[str, int]:
        """The kinds that occurred."""
        totals = {kind: tally.total for kind, tally in self._tallies.items()}
        return {kind: total for kind, total in totals.items() if total}


class Ingress:
    """A bounded room that publishers append to and the pump takes from. Nothing on the way in acquires anything."""

    __slots__ = ("_wake", "asleep", "bell", "echoed", "items", "overflowed", "publish")

    def __init__(self, wake: Callable[[], None], clock: Clock) -> None:
        self._wake = wake
        self.items: deque[Any] = deque()
        #: Empty while the pump is about. Taking from a list is atomic, so of a burst of publishers one rings, and a slow
        #: one can't undo what was said since.
        self.asleep = [NOBODY]
        self.bell = Bell(clock)
        self.overflowed = KindTally()
        self.echoed = KindTally()
        #: Append an event or an `Ending`.
        self.publish = self._publisher()

    def _publisher(self) -> Callable[[Item], None]:
        # A closure over what it needs is a third quicker than a method that looks it up, and this runs in every job.
        items, append, room, refuse = self.items, self.items.append, _room.get, self._refuse
        asleep, wake = self.asleep, self._wake

        def publish(item: Item) -> None:
            if len(items) < room():
                append(item)
            else:
                refuse(item)
            if asleep:
                wake()

        return publish

    def rouse(self) -> None:
        """Wake the pump if it sleeps and nobody else is about to wake it.

        Whatever interrupts this in between, the pump wakes by itself within a second.
        """
        try:
            self.asleep.remove(SLEEPS)
        except ValueError:
            return
        self.bell.ring()

    def _refuse(self, item: Item) -> None:
        tally = self.echoed if on_lane() else self.overflowed
        tally.add(item)

    @property
    def waiting(self) -> int:
        """How many events wait."""
        return sum(map(events_in, list(self.items)))

    def desert(self) -> None:
        """Nobody takes from here any more. Publishers turn to ``wake`` from now on, and what they left meanwhile does too."""
        self.asleep.append(NOBODY)
        if self.items:
            self._wake()

    def forget(self) -> None:
        """Start anew in a forked child, in place: code may hold on to ``publish``, or be in the middle of it."""
        self.items.clear()
        self.asleep[:] = [NOBODY]
        self.bell.renew()
        self.overflowed = KindTally()
        self.echoed = KindTally()
