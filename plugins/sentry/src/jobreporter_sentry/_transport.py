"""sentry-sdk's transport, which also tells what became of the events that it was given."""

from __future__ import annotations

from collections import deque
from math import ceil
from typing import Any

from sentry_sdk import HttpTransport
from sentry_sdk.envelope import Item
from sentry_sdk.types import EventDataCategory

# No failures of a request: what is lost for these reasons, `record_lost_event` is told of.
_HELD_BACK = frozenset(["self_rate_limits", "full_queue"])


class TellingTransport(HttpTransport):
    """Notes why events were not taken. It is written by the SDK's thread and read by the lane's, without a lock."""

    def __init__(self, options: dict[str, Any]) -> None:
        # A request that nobody waits for any more should not keep its thread for the SDK's 30 seconds.
        self.TIMEOUT = ceil(options["shutdown_timeout"])
        #: Why requests failed: ``network``, ``status_500``, ... Each is one event that Sentry has not taken.
        self.failures: deque[str] = deque()
        #: Why events were held back, each with how many: ``ratelimit_backoff``, ``status_429``, ``sample_rate``, ...
        self.losses: deque[tuple[str, int]] = deque()
        super().__init__(options)

    def on_dropped_event(self, reason: str, /) -> None:
        """The SDK gave up an event. It says why in its own words."""
        if reason == "status_429":  # the one loss that `record_lost_event` is not told of
            self.losses.append((reason, 1))
        elif reason not in _HELD_BACK:
            self.failures.append(reason)

    def record_lost_event(
        self,
        reason: str,
        data_category: EventDataCategory | None = None,
        item: Item | None = None,
        *,
        quantity: int = 1,
    ) -> None:
        """The SDK counts a loss. What failed on the way is not passed on to Sentry, since it is tried again."""
        category = data_category if item is None else item.data_category
        if reason in {"network_error", "send_error"}:
            return
        if category != "internal":  # the SDK's own reports of losses
            self.losses.append((reason, quantity))
        super().record_lost_event(reason, data_category, item, quantity=quantity)

    def kill(self) -> None:
        """Ends the thread once it is through, and closes the connections that wait for a next time."""
        super().kill()
        self._pool.clear()
