"""Accounts whose key was refused, which are left alone for a while.

A reporter that raises is stopped and made anew, with nothing in its memory. What the server said of a key has to outlive
it, or the next start would ask again at once. So it is remembered here, for each server and key, and a start meanwhile
fails with the reason: jobreporter then shows the reporter as ``broken``, keeps its events in their buffer, and tries
again with its own backoff. None of these tries reaches the server before the pause is over.
"""

from __future__ import annotations

from time import monotonic
from typing import NamedTuple

from jobreporter import BrokenReporter, Secret

#: Seconds for which a refused key is not tried again.
KEY_PAUSE = 300.0


class Account(NamedTuple):
    """Whom the server's words are about."""

    endpoint: str
    api_key: Secret


class _Refusal(NamedTuple):
    reason: str
    #: On the monotonic clock, which a forked child shares.
    until: float


# As many entries as there are accounts in the process's configs. A dict's item is set and read without a lock.
_refusals: dict[Account, _Refusal] = {}


def refused(account: Account, reason: str) -> None:
    """Have every start for the account fail for `KEY_PAUSE` seconds."""
    _refusals[account] = _Refusal(reason, monotonic() + KEY_PAUSE)


def check(account: Account) -> None:
    """Raises BrokenReporter with the reason if the account is to be left alone now."""
    found = _refusals.get(account)
    if found is not None and monotonic() < found.until:
        raise BrokenReporter(found.reason)
