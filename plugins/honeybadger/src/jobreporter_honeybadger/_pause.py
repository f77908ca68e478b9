"""When Honeybadger may be asked again, after it refused a key, asked for a pause, or could not be reached.

A reporter that raises is stopped and made anew, with nothing in its memory. What the server said has to outlive it, or
the next one would ask again at once. So it is remembered here, for each server and key, and a start during a pause fails
with the reason of the pause: jobreporter then shows the reporter as ``broken``, keeps its events in their buffer, and
tries again with its own backoff. None of these tries reaches the server before the pause is over.
"""

from __future__ import annotations

from typing import NamedTuple

from jobreporter import BrokenReporter, Secret
from jobreporter_honeybadger._clock import Clock


class Account(NamedTuple):
    """Whom the server's words are about."""

    endpoint: str
    api_key: Secret


class _Pause(NamedTuple):
    reason: str
    #: On the monotonic clock, which a forked child shares.
    until: float


# As many entries as there are accounts in the process's configs. A dict's item is set and read without a lock.
_pauses: dict[Account, _Pause] = {}


def pause(account: Account, reason: str, seconds: float, clock: Clock) -> None:
    """Have every start for the account fail for so long."""
    _pauses[account] = _Pause(reason, clock.monotonic() + seconds)


def check(account: Account, clock: Clock) -> None:
    """Raises BrokenReporter with the reason if the account is to be left alone now."""
    found = _pauses.get(account)
    if found is not None and clock.monotonic() < found.until:
        raise BrokenReporter(found.reason)
