"""How the pump rests between two turns: it yields, naps or sleeps.

Woken, it naps before it looks, so that a short job's start and end cost it and the lanes one turn. It naps on while events
come quickly: to wake a sleeping thread costs a publisher a hundred times as much as the append. Else it announces that it
sleeps, looks once more, and sleeps.
"""

from __future__ import annotations

from collections.abc import Callable

from jobreporter._dispatch.intake import Intake
from jobreporter._publish.ingress import SLEEPS, Ingress
from jobreporter._system.clock import Clock

# Seconds for which the pump naps.
NAP = 0.002

# Items that must come during the first nap for another one: a short job's end alone isn't worth it, since a turn costs more
# than to be woken again. After that, it naps on as long as any come.
ENOUGH = 2

# Seconds. A sleep that was shorter than this wasn't worth it either: at such a pace it naps on for a single item.
SHORT_SLEEP = NAP / 2

# Seconds for which it lets the lanes run while more waits.
YIELD = 0.0005


class Rest:
    """For the pump's thread."""

    def __init__(self, ingress: Ingress, intake: Intake, clock: Clock) -> None:
        self._ingress = ingress
        self._intake = intake
        self._clock = clock
        #: Items that had come when it last began to nap.
        self._had_come = 0
        #: Items that must have come since for another nap.
        self._enough = ENOUGH

    def between_turns(self, longest: float, *, closed: bool, is_expected: Callable[[], bool]) -> None:
        """Rest until the next turn.

        longest: seconds that it sleeps at most. closed: whether what comes is not looked at any more. is_expected: whether
        somebody waits for the next turn. Who begins to do so later wakes it.
        """
        if self._intake.waits and not closed:
            self._ingress.wakeup.wait(YIELD)
        elif self._intake.settled.items - self._had_come >= self._enough:
            self._enough = 1
            self._nap()
        else:
            slept = self._sleep(longest, closed=closed)
            self._enough = ENOUGH if slept > SHORT_SLEEP else 1
            if self._ingress.items and not is_expected():
                self._nap()

    def _sleep(self, timeout: float, *, closed: bool) -> float:
        """Sleep until an event or a request comes. Returns for how many seconds it did."""
        began = self._clock.monotonic()
        self._ingress.asleep.append(SLEEPS)
        # A publisher that appends after this look sees that the pump sleeps; a request wakes it in any case.
        if closed or not self._ingress.items:
            self._ingress.wakeup.wait(timeout)
        self._ingress.asleep.clear()
        return self._clock.monotonic() - began

    def _nap(self) -> None:
        self._had_come = self._intake.has_come
        self._ingress.wakeup.wait(NAP)
