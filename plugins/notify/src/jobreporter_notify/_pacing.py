"""How many messages people are sent: what goes by itself, what goes together, and what has to wait."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jobreporter_history.store import Notice

#: So many notices may go each by itself within `WINDOW` seconds.
MANY = 10
WINDOW = 60.0
#: Seconds until what is held is looked at again.
HOLD = 10.0
#: Seconds between the first and the second try, and the most between two tries.
SHORTEST, LONGEST = 10.0, 600.0
#: Seconds between two messages on average count over so long: as many as fit in there may go at once.
BURST = 5.0


class Pace:
    """How often one service wants to be told something. every: seconds between two messages on average."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._free_at = float("-inf")

    def is_free(self, now: float) -> bool:
        """Whether it takes another message. now: monotonic."""
        return now >= self._free_at

    def sent(self, now: float) -> None:
        """It was told something."""
        self._free_at = max(self._free_at, now - BURST) + self._every


class Plan(NamedTuple):
    """What becomes of what is due: messages, each about one notice or several, and what is held."""

    messages: list[list[Notice]]
    held: list[Notice]


def plan(due: Sequence[Notice], lately: int) -> Plan:
    """lately: how many notices were told within the last `WINDOW` seconds.

    More than ten are one message, and what comes within a minute after that waits for the next; likewise where they
    come one by one. Missed runs don't wait.
    """
    if len(due) + lately <= MANY:
        return Plan([[notice] for notice in due], [])
    if lately == 0:
        return Plan([list(due)], [])
    missed = [notice for notice in due if notice.row.happening == "missed"]
    held = [notice for notice in due if notice.row.happening != "missed"]
    return Plan([missed] if len(missed) > MANY else [[notice] for notice in missed], held)


def pause(tries: int) -> float:
    """Seconds until the next try. tries: how many there were before the one that has just failed."""
    return min(SHORTEST * 2.0 ** min(tries, 10), LONGEST)
