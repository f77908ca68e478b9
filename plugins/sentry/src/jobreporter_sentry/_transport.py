"""sentry-sdk's transport, which also tells what became of the events that it was given."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, NamedTuple

from sentry_sdk import HttpTransport
from sentry_sdk.envelope import Envelope, Item
from sentry_sdk.types import EventDataCategory

# Bytes of an answer that are read: what Sentry says is short, and what else answers may never end.
_LONGEST_ANSWER = 64 * 1024

# How long nothing is sent where Sentry has set a limit that can't be read; as long as the SDK takes one without a number for.
_PAUSE = timedelta(minutes=1)

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
        # Whether the SDK itself has told what became of the envelope that it is at.
        self._is_told = False
        super().__init__(options)

    def on_dropped_event(self, reason: str, /) -> None:
        """The SDK gave up an event. It says why in its own words."""
        self._is_told = True
        if reason not in _HELD_BACK:
            self.failures.append(reason)

    def pause_of(self, category: str) -> float:
        """Seconds for which Sentry wants nothing of a category; 0 if it has set no limit."""
        now = datetime.now(UTC)
        until = [self._disabled_until.get(bucket) for bucket in (category, None)]  # type: ignore[arg-type]  # any of Sentry's words
        return max(((each - now).total_seconds() for each in until if each is not None and each > now), default=0.0)

    def _send_envelope(self, envelope: Envelope) -> None:
        """One envelope. Whoever calls this in the SDK keeps quiet about errors, as if Sentry had taken it."""
        self._is_told = False
        try:
            super()._send_envelope(envelope)
        except Exception as error:
            if not self._is_told:
                self.failures.append(type(error).__name__)
            raise

    def _update_rate_limits(self, response: Any) -> None:
        """Limits for as long as the answer says: it may come from a proxy, which says what it likes."""
        try:
            super()._update_rate_limits(response)
        except Exception:
            self._disabled_until[None] = datetime.now(UTC) + _PAUSE

    def _request(self, method: str, endpoint_type: Any, body: Any, headers: Mapping[str, str]) -> Any:
        """One request, and the beginning of its answer. A redirect is not followed: the key is for one host alone."""
        response = self._pool.request(
            method,
            self._auth.get_api_url(endpoint_type),
            body=body,
            headers=headers,
            redirect=False,
            preload_content=False,
        )
        data = b""
        try:
            data = response.read(_LONGEST_ANSWER)
        finally:
            if len(data) < _LONGEST_ANSWER:
                response.release_conn()
            else:  # there is more of it than anybody wants to read
                response.close()
        return _Answer(response.status, response.headers, data)

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


class _Answer(NamedTuple):
    """What the SDK looks at of an answer."""

    status: int
    headers: Any
    data: bytes

    def close(self) -> None:
        """It is closed already."""
