"""What a reporter tells to have lost by itself."""

from __future__ import annotations

import _thread
from collections import deque
from collections.abc import Mapping
from types import MappingProxyType

from jobreporter.text import one_line

# Reasons that are kept apart; further ones count as `OTHER`.
MOST_REASONS = 50
OTHER = "other"


class Losses:
    """Counts by reason.

    A reporter may tell from any thread, and from a finalizer; a signal handler may read the ledger in the middle of either.
    So nobody waits here: what is told waits in line, and one who tells at a time adds it up.
    """

    def __init__(self) -> None:
        self._told: deque[tuple[str, int]] = deque()
        # Held by who adds up. Nobody waits for it: the holder looks once more after it has released it.
        self._adding_up = _thread.allocate_lock()
        # Replaced, never changed: a reader may be in the middle of it.
        self._by_reason: Mapping[str, int] = MappingProxyType({})

    def add(self, reason: str, count: int = 1) -> None:
        """So many events were lost for this reason, a word or two of the reporter's own.

        Raises TypeError for a count that is no whole number, and ValueError for a negative one.
        """
        if type(count) is not int:
            raise TypeError(f"lost(reason, count) takes a whole number of events, and not {type(count).__name__}")
        if count < 0:
            raise ValueError(f"lost(reason, count) takes a number of events, 0 at least, and not {count}")
        self._told.append((one_line(str(reason), 100), count))
        while self._told and self._adding_up.acquire(blocking=False):
            try:
                self._add_up()
            finally:
                self._adding_up.release()

    def _add_up(self) -> None:
        while self._told:
            reason, count = self._told.popleft()
            counts = dict(self._by_reason)
            if reason not in counts and len(counts) >= MOST_REASONS:
                reason = OTHER
            counts[reason] = counts.get(reason, 0) + count
            self._by_reason = MappingProxyType(counts)

    @property
    def by_reason(self) -> dict[str, int]:
        """The reasons that were told."""
        return {reason: count for reason, count in self._by_reason.items() if count}
