"""What Sentry didn't want, counted and told."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable

logger = logging.getLogger("jobreporter.sentry")

#: Seconds between two lines about losses.
INTERVAL = 30.0

# The user's own wish: nobody needs to be told.
_WANTED = frozenset(["sample_rate", "before_send", "event_processor"])


class Losses:
    """Counts the events that the SDK held back, and logs the counts: at once, and then at most every 30 seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        #: How many events were lost, by reason, since the reporter started.
        self.counts: Counter[str] = Counter()
        self._clock = clock
        self._told = 0
        self._next = float("-inf")

    def add(self, losses: Iterable[tuple[str, int]]) -> None:
        """Counts these, and logs if it is time."""
        for reason, quantity in losses:
            self.counts[reason] += quantity
        if self._clock() >= self._next:
            self.tell()

    def tell(self) -> None:
        """Logs what was not told yet, if there is any."""
        unwanted = {reason: count for reason, count in self.counts.items() if reason not in _WANTED}
        total = sum(unwanted.values())
        if total == self._told:
            return
        reasons = ", ".join(f"{count} {reason}" for reason, count in unwanted.items())
        logger.warning("Sentry has turned away %d more events (in all: %s)", total - self._told, reasons)
        self._told = total
        self._next = self._clock() + INTERVAL
