"""Where published events wait for the pump: the only part of jobreporter that a job's own thread runs through."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from jobreporter._publish.ending import Item, events_in
from jobreporter._publish.tally import KindTally
from jobreporter._system.aside import LOG
from jobreporter._system.clock import Clock
from jobreporter._system.wakeup import Wakeup

#: Items that may wait for the pump. A tight publisher starves the pump of the interpreter's lock, so this is reached.
LIMIT = 100_000

# How much room the running thread has in any ingress. On a lane it is none, which keeps what a reporter publishes from
# coming back to it as an event; asking once answers both questions, and costs less than asking which thread this is.
_room: ContextVar[int] = ContextVar("jobreporter_room", default=LIMIT)


# Why the pump does not take an event that is appended now. While it sleeps, one publisher removes `SLEEPS` and wakes it.
# `NOBODY` stays until a pump starts.
SLEEPS = "the pump sleeps"
NOBODY = "no pump runs"


def keep_out() -> None:
    """From here on, what this thread publishes is an echo: counted, and not delivered."""
    _room.set(0)


# What a logging handler publishes of a line of ours is an echo too.
LOG.begin_with(keep_out)


def on_lane() -> bool:
    """Whether this code runs on a thread of jobreporter's own."""
    return _room.get() == 0


class Ingress:
    """A bounded room that publishers append to and the pump takes from. Nothing on the way in acquires anything."""

    __slots__ = ("_wake", "asleep", "echoed", "items", "overflowed", "publish", "wakeup")

    def __init__(self, wake: Callable[[], None], clock: Clock) -> None:
        self._wake = wake
        self.items: deque[Any] = deque()
        #: Empty while the pump runs. Removing from a list is atomic: of a burst of publishers one wakes the pump, and a
        #: slow publisher can't undo what the pump has noted since.
        self.asleep = [NOBODY]
        self.wakeup = Wakeup(clock)
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
        self.wakeup.wake()

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

    def forked(self) -> None:
        """Start anew in a forked child, in place: code may hold on to ``publish``, or be in the middle of it."""
        self.items.clear()
        self.asleep[:] = [NOBODY]
        self.wakeup.renew()
        self.overflowed = KindTally()
        self.echoed = KindTally()
